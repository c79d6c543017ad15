import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createExpansion } from '../../packages/haproxy/src/backends/expand.ts';
import { haproxySchema, haproxyServiceSchema } from '../../packages/haproxy/src/config/config.ts';
import { policyInForce } from '../../packages/haproxy/src/policy/any-policy.fixture.ts';
import { policyFiles } from '../../packages/haproxy/src/policy/files.ts';
import { capabilitiesOf } from '../../packages/haproxy/src/render/version.ts';
import { createPolicyValues } from '../../packages/haproxy/src/runtime/policy-values.ts';
import { render } from '../../packages/haproxy/src/status/preview.ts';
import { localitySchema } from '../../packages/policy/src/index.ts';
import type { Service } from '../../packages/proxy/src/service.ts';
import { program } from '../support/haproxy.ts';
import { createScratch } from '../support/scratch.ts';

const run = promisify(execFile);
const names = ['a', 'b.c', 'd-e', 'f_g', 'h', 'i', 'j', 'k'] as const;
const members = ['v1', 'v2'].map((version, index) => ({
  host: '127.0.0.1',
  port: 1000 + index,
  name: version,
  labels: { version },
}));
const locality = localitySchema.parse({ from: 'labels.zone', prefer: ['a', 'b'], spill: 'down' });

/** Services that lead to one another, two of them with levels of locality: many are judged by one call. */
const some = (isTcp: boolean) =>
  fc.tuple(
    ...names.map((name, index): fc.Arbitrary<Service> => {
      const protocol = isTcp ? 'tcp' : (['http', 'http2', 'grpc'] as const)[index % 3];
      return policyInForce(protocol ?? 'http', name, isTcp ? [] : names).map((policy) => ({
        name,
        instances: members,
        defaults: [],
        own: { haproxy: haproxyServiceSchema.parse({ port: 3000 + index }) },
        ...(protocol && { protocol }),
        policy,
        ...(index % 4 === 1 && { locality }),
        origin: name,
      }));
    }),
  );

test.each([
  ['of requests', false],
  ['of connections', true],
])('whatever policies are in force, HAProxy takes their file: %s', async (_, isTcp) => {
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
    fc.asyncProperty(some(isTcp), async (services) => {
      const { snapshot } = createExpansion()(new Map(services.map((each) => [each.name, each])));
      const { layout, file } = await render(settings, snapshot, signal);
      const titles = layout.sections.map(({ title }) => title);
      expect(new Set(titles).size).toBe(titles.length);
      await createPolicyValues({ files, runtimes: [] }).write(layout.parts);
      await writeFile(scratch.path('haproxy.cfg'), file.text);
      const said = await run(program, ['-c', '-f', scratch.path('haproxy.cfg')]).catch(
        (error: { stderr: string }) => error,
      );
      expect(said.stderr).not.toContain('[ALERT]');
    }),
    { numRuns: Number(process.env.RUNS ?? 15) },
  );
});
