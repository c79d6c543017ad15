import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createLatest, createMetrics, parseSource, silentLog } from '@smartstack/daemon';
import type { OpenedRegistries } from '@smartstack/registry';
import { expect, test, vi } from 'vitest';

import { tcpServer } from './checks/server.fixture.ts';
import { type Config, parseConfig } from './config/config.ts';
import { runNerve } from './nerve.ts';
import { createTestRegistry } from './registry.fixture.ts';

const fail = "throw new Error('a defect');";

test.concurrent.for<[when: string, text: string]>([
  ['when it is loaded', fail],
  ['when its options are judged', `export const schema = { parse() { ${fail} } };`],
  ['when it is made', `export const create = () => { ${fail} };`],
  ['when making it rejects', `export const create = async () => { ${fail} };`],
  ['when it runs', `export const create = () => () => { ${fail} };`],
  ['when it runs, and is no error', 'export const create = () => () => { throw null; };'],
  [
    'after it passed',
    `let runs = 0; export const create = () => async () => { if (runs++ > 2) { ${fail} } };`,
  ],
])('a check that throws %s takes no other service out', async ([, text], { onTestFinished }) => {
  const directory = await mkdtemp(join(tmpdir(), 'force-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = join(directory, 'own.mjs');
  await writeFile(file, text);
  await using server = await tcpServer(() => {});
  await using other = await tcpServer(() => {});
  const registry = createTestRegistry();
  const stop = new AbortController();
  const running = runNerve(
    configOf(other.port, server.port, [{ type: 'module', module: file, options: {} }]),
    {
      registries: { ...registriesStub, open: () => registry },
      log: silentLog,
      metrics: createMetrics(),
      reloads: createLatest<Config>().values,
      overrides: { of: () => ({}), set: async () => {} },
      handOff: () => {},
    },
    stop.signal,
  );
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  await vi.waitFor(() => expect(registry.events).toContain(`announced ${server.port}`));
  // Long enough for some dozens of runs of the other's check.
  await new Promise((resolve) => setTimeout(resolve, 300));
  await vi.waitFor(() =>
    expect([...registry.registered].map(({ port }) => port)).toEqual([server.port]),
  );
  expect(registry.events).not.toContain(`withdraw ${server.port}`);
});

const registriesStub = {
  tickets: () => ({}),
  handOff: async () => ({}),
  inherited: () => [],
  lastUnhealthy: () => undefined,
  [Symbol.asyncDispose]: async () => {},
} as unknown as OpenedRegistries;

/** A service at one port with these checks, and a good one at another. */
function configOf(broken: number, good: number, checks: object[]): Config {
  const of = (port: number, own: object[]) => ({
    ...{ host: '127.0.0.1', port, check_interval: 0.02, checks: own },
  });
  const written = {
    instance_id: 'a',
    registry: { type: 'file', directory: '/nowhere' },
    status_address: false,
    state_directory: false,
    services: { broken: of(broken, checks), good: of(good, [{ type: 'tcp' }]) },
  };
  return parseConfig(parseSource('nerve.yaml', JSON.stringify(written)), '/');
}
