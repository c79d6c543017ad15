import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createMetrics, parseSource, silentLog } from '@smartstack/daemon';
import type { OpenedRegistries } from '@smartstack/registry';
import { expect, test, vi } from 'vitest';

import { closedPort, type TestServer, tcpServer } from './checks/server.fixture.ts';
import { parseConfig } from './config.ts';
import { runNerve } from './nerve.ts';
import { createTestRegistry, type TestRegistry } from './registry.fixture.ts';

function registriesOf(registry: TestRegistry): OpenedRegistries {
  const openZooKeeper = () => {
    throw new Error('these tests use no ZooKeeper');
  };
  return {
    open: () => registry,
    openZooKeeper,
    lastUnwell: () => undefined,
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  };
}

function start(servers: readonly TestServer[], withdrawDeadline = 5000, top: object = {}) {
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
        status_address: false,
        ...top,
        services: Object.fromEntries(services),
      }),
    ),
    '/',
  );
  const deps = {
    registries: registriesOf(registry),
    log: silentLog,
    metrics: createMetrics(),
    withdrawDeadline,
  };
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

test('status, readiness and metrics are served', async () => {
  await using server = await tcpServer(() => {});
  const port = await closedPort();
  const { stop, ended } = start([server], 5000, { status_address: `127.0.0.1:${port}` });
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  await vi.waitFor(async () => expect((await get('/ready')).status).toBe(200), { timeout: 3000 });
  expect(await (await get('/status')).json()).toMatchObject({
    instance_id: 'a',
    services: { web0: { state: 'up', announced: true, checks: [{ state: 'up' }] } },
  });
  const metrics = await (await get('/metrics')).text();
  expect(metrics).toContain('nerve_service_up{service="web0"} 1');
  expect(metrics).toContain('nerve_service_announced{service="web0"} 1');
  expect(metrics).toMatch(/nerve_check_duration_seconds_count\{.*result="pass".*\} [1-9]/);
  stop();
  await ended;
});

test('the heartbeat file is touched, and one in no folder harms nothing', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'heartbeat-'));
  try {
    const path = join(directory, 'beat');
    const working = start([], 5000, { heartbeat_path: path });
    await vi.waitFor(() => stat(path));
    working.stop();
    await working.ended;
    const failing = start([], 5000, { heartbeat_path: join(directory, 'no', 'beat') });
    await new Promise((resolve) => setTimeout(resolve, 50));
    failing.stop();
    await failing.ended;
  } finally {
    await rm(directory, { recursive: true });
  }
});
