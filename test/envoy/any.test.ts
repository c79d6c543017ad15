import { writeFile } from 'node:fs/promises';

import { execa } from 'execa';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { staticBootstrap } from '../../packages/envoy/src/resources/bootstrap.fixture.ts';
import { createResources } from '../../packages/envoy/src/resources/resources.ts';
import { options } from '../../packages/envoy/src/resources/service.fixture.ts';
import type { MergedPolicy } from '../../packages/policy/src/index.ts';
import { anyServices, kinds } from '../policy/any-services.fixture.ts';
import { envoyBinary } from '../support/envoy.ts';
import { createScratch } from '../support/scratch.ts';

const names = ['a', 'b.c', 'd-e', 'f_g', 'h|i', 'j%k', 'l:m', '"n\\'] as const;
/** A format of one's own is in the language of another proxy here. */
function withoutFormat(merged: MergedPolicy): MergedPolicy {
  const { access_log: log } = merged.policy;
  return typeof log === 'object'
    ? { ...merged, policy: { ...merged.policy, access_log: 'text' } }
    : merged;
}

test.each(kinds)(
  'whatever policies are in force, Envoy takes what they come to: %s',
  async (_, isTcp) => {
    await using scratch = await createScratch();
    const file = scratch.path('bootstrap.json');
    await fc.assert(
      fc.asyncProperty(
        anyServices(names, isTcp, (port) => ({ envoy: { port } }), withoutFormat),
        async (services) => {
          const snapshot = new Map(services.map((each) => [each.name, each]));
          const { resources, refused } = createResources(options)(snapshot);
          expect(refused).toEqual([]);
          await writeFile(file, JSON.stringify(staticBootstrap(resources)));
          const args = ['--mode', 'validate', '-c', file, '--log-level', 'error'];
          const { exitCode, all } = await execa(envoyBinary(), args, { reject: false, all: true });
          expect({ exitCode, said: exitCode === 0 ? '' : all }).toEqual({ exitCode: 0, said: '' });
        },
      ),
      { numRuns: Number(process.env.RUNS ?? 15) },
    );
  },
);
