import { parseSource, silentLog } from '@smartstack/daemon';
import type { Registries } from '@smartstack/registry';
import { expect, test, vi } from 'vitest';

import { type TestServer, tcpServer } from './checks/server.fixture.ts';
import { parseConfig } from './config.ts';
import { runNerve } from './nerve.ts';
import { createTestRegistry, type TestRegistry } from './registry.fixture.ts';

function registriesOf(registry: TestRegistry): Registries {
  return { open: () => registry, [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose]() };
}

function start(servers: readonly TestServer[], withdrawDeadline = 5000) {
  const registry = createTestRegistry();
  const stop = new AbortController();
  const services = servers.map(({ host, port }, index) => [
    `web${index}`,
    { host, port, check_interval: 0.02, checks: [{ type: 'tcp' }] },
  ]);
  const config = parseConfig(
    parseSource(
      'nerve.yaml',
      JSON.stringify({
        instance_id: 'a',
        registry: { type: 'file', directory: '/nowhere' },
        services: Object.fromEntries(services),
      }),
    ),
    '/',
  );
  const deps = { registries: registriesOf(registry), log: silentLog, withdrawDeadline };
  return { registry, stop: () => stop.abort(), ended: runNerve(config, deps, stop.signal) };
}

test('every healthy service is announced, and all are withdrawn before it ends', async () => {
  await using first = await tcpServer(() => {});
  await using second = await tcpServer(() => {});
  const { registry, stop, ended } = start([first, second]);
  await vi.waitFor(() => expect(registry.standing.size).toBe(2));
  expect([...registry.standing].map(({ name }) => name)).toEqual(['a', 'a']);
  stop();
  await ended;
  expect(registry.standing.size).toBe(0);
});

test('a withdrawal that hangs holds up the end for the deadline only', async () => {
  await using server = await tcpServer(() => {});
  const { registry, stop, ended } = start([server], 100);
  await vi.waitFor(() => expect(registry.standing.size).toBe(1));
  registry.withdrawing = 'hangs';
  const start_ = performance.now();
  stop();
  await ended;
  expect(performance.now() - start_).toBeLessThan(2000);
});

test('a daemon without services runs until it is ended', async () => {
  const { stop, ended } = start([]);
  expect(
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 50, 'runs'))]),
  ).toBe('runs');
  stop();
  await ended;
});
