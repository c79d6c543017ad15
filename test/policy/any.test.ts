import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createExpansion } from '../../packages/haproxy/src/backends/expand.ts';
import { haproxySchema, haproxyServiceSchema } from '../../packages/haproxy/src/config/config.ts';
import { policyFiles } from '../../packages/haproxy/src/policy/files.ts';
import { capabilitiesOf } from '../../packages/haproxy/src/render/version.ts';
import { createPolicyValues } from '../../packages/haproxy/src/runtime/policy-values.ts';
import { render } from '../../packages/haproxy/src/status/preview.ts';
import { program } from '../support/haproxy.ts';
import { createScratch } from '../support/scratch.ts';
import { anyServices, kinds } from './any-services.fixture.ts';

const run = promisify(execFile);
const names = ['a', 'b.c', 'd-e', 'f_g', 'h', 'i', 'j', 'k'] as const;
test.each(kinds)(
  'whatever policies are in force, HAProxy takes their file: %s',
  async (_, isTcp) => {
    await using scratch = await createScratch();
    const files = policyFiles(scratch.path('haproxy.cfg'));
    const settings = {
      config: haproxySchema.parse({}),
      around: { socket: undefined, stateFile: undefined, maxconn: undefined, account: undefined },
      files,
      capabilities: capabilitiesOf('2.6.12'),
      stats: undefined,
    };
    const { signal } = new AbortController();
    await fc.assert(
      fc.asyncProperty(
        anyServices(names, isTcp, (port) => ({ haproxy: haproxyServiceSchema.parse({ port }) })),
        async (services) => {
          const { snapshot } = createExpansion()(
            new Map(services.map((each) => [each.name, each])),
          );
          const { layout, file } = await render(settings, snapshot, signal);
          const titles = layout.sections.map(({ title }) => title);
          expect(new Set(titles).size).toBe(titles.length);
          await createPolicyValues({ files, runtimes: [] }).write(layout.parts);
          await writeFile(scratch.path('haproxy.cfg'), file.text);
          const said = await run(program, ['-c', '-f', scratch.path('haproxy.cfg')]).catch(
            (error: { stderr: string }) => error,
          );
          expect(said.stderr).not.toContain('[ALERT]');
        },
      ),
      { numRuns: Number(process.env.RUNS ?? 15) },
    );
  },
);
