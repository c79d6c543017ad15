import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createLatest, createMetrics, parseSource, silentLog } from '@smartstack/daemon';
import type { OpenedRegistries } from '@smartstack/registry';
import { describe, expect, test, vi } from 'vitest';
import { endsWithin } from '../../../test/support/ends-within.ts';
import { HandOff } from './announce/hand-off.ts';
import { closedPort, httpServer, type TestServer, tcpServer } from './checks/server.fixture.ts';
import { type Config, parseConfig } from './config/config.ts';
import { runNerve } from './nerve.ts';
import type { Overrides } from './operator/overrides.ts';
import { createTestRegistry, type TestRegistry } from './registry.fixture.ts';

function registriesOf(registry: TestRegistry, dropped: () => void): OpenedRegistries {
  return {
    open: (address) => {
      if (address.type === 'file' && address.directory === '/bad') throw new Error('a defect');
      return registry;
    },
    openZooKeeper: () => {
      throw new Error('these tests use no ZooKeeper');
    },
    openEtcd: () => {
      throw new Error('these tests use no etcd');
    },
    openConsul: () => {
      throw new Error('these tests use no Consul');
    },
    openEtcdV2: () => {
      throw new Error('these tests use no etcd');
    },
    openKubernetes: () => {
      throw new Error('these tests use no Kubernetes');
    },
    tickets: () => ({}),
    agents: () => [],
    handOff: async () => ({}),
    inherited: () => [{ drop: async () => dropped() }],
    lastUnhealthy: () => undefined,
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  };
}

function configOf(
  servers: readonly TestServer[],
  top: object,
  keys: object | readonly object[] = {},
): Config {
  const services = servers.map(({ host, port }, index) => [
    `web${index}`,
    {
      host,
      port,
      check_interval: 0.02,
      checks: [{ type: 'tcp' }],
      ...(Array.isArray(keys) ? keys[index] : keys),
    },
  ]);
  const config = {
    instance_id: 'a',
    registry: { type: 'file', directory: '/nowhere' },
    status_address: false,
    state_directory: false,
    ...top,
    services: Object.fromEntries(services),
  };
  return parseConfig(parseSource('nerve.yaml', JSON.stringify(config)), '/');
}

function start(
  servers: readonly TestServer[],
  withdrawDeadline = 5000,
  top: object = {},
  keys: object = {},
  failing?: () => never,
) {
  const registry = createTestRegistry();
  const metrics = createMetrics();
  const stop = new AbortController();
  const reloads = createLatest<Config>();
  let dropped = false;
  const registries = registriesOf(registry, () => {
    dropped = true;
  });
  const overrides: Overrides = { of: () => ({}), set: async () => {} };
  const deps = {
    registries,
    log: silentLog,
    metrics,
    reloads: failing ?? reloads.values,
    overrides,
    handOff: () => stop.abort(new HandOff()),
    withdrawDeadline,
  };
  return {
    registry,
    metrics,
    dropped: () => dropped,
    reload: (next: readonly TestServer[], keys?: object | readonly object[]) =>
      reloads.set(configOf(next, top, keys)),
    stop: (reason?: unknown) => stop.abort(reason),
    ended: runNerve(configOf(servers, top, keys), deps, stop.signal),
  };
}

test('every healthy service is announced, and all are withdrawn before it ends', async () => {
  await using first = await tcpServer(() => {});
  await using second = await tcpServer(() => {});
  const { registry, stop, ended } = start([first, second]);
  await vi.waitFor(() => expect(registry.registered.size).toBe(2));
  expect([...registry.registered].map(({ name }) => name)).toEqual(['a', 'a']);
  stop();
  await ended;
  expect(registry.registered.size).toBe(0);
});

test('a withdrawal that hangs holds up the end for the deadline only', async () => {
  await using server = await tcpServer(() => {});
  const { registry, stop, ended } = start([server], 100);
  await vi.waitFor(() => expect(registry.registered.size).toBe(1));
  registry.withdrawing = 'hangs';
  stop();
  await endsWithin(2000, ended);
});

test('a service that cannot be made is shown with the reason, and the others stay announced', async () => {
  await using first = await tcpServer(() => {});
  await using second = await tcpServer(() => {});
  const port = await closedPort();
  const { registry, stop, ended, reload } = start([first], 5000, {
    status_address: `127.0.0.1:${port}`,
  });
  await vi.waitFor(() => expect(registry.registered.size).toBe(1));
  const bad = { directory: '/bad' };
  reload([first, second], [{}, bad]);
  const status = async () =>
    (await (await fetch(`http://127.0.0.1:${port}/status`)).json()) as {
      services: Record<string, { reason?: string; announced: boolean }>;
    };
  await vi.waitFor(async () =>
    expect((await status()).services.web1?.reason).toBe(
      'cannot be checked and announced: a defect',
    ),
  );
  // One that was good stays as it was.
  reload([first, second], [bad, bad]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect((await status()).services.web0?.announced).toBe(true);
  expect(registry.events.filter((event) => event.startsWith('withdraw'))).toEqual([]);
  reload([first, second]);
  await vi.waitFor(() => expect(registry.registered.size).toBe(2));
  stop();
  await ended;
});

test('a part of nerve that fails ends nothing', async () => {
  await using server = await tcpServer(() => {});
  let calls = 0;
  const { registry, stop, ended } = start([server], 5000, {}, {}, () => {
    calls += 1;
    throw new Error('a defect');
  });
  await vi.waitFor(() => expect(registry.registered.size).toBe(1));
  await vi.waitFor(() => expect(calls).toBeGreaterThan(1), 5_000);
  expect(registry.registered.size).toBe(1);
  stop();
  await ended;
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

describe('a new configuration', () => {
  const ports = ({ registered }: TestRegistry) => [...registered].map(({ port }) => port).sort();

  test('starts and ends services, and the others notice nothing', async () => {
    await using first = await tcpServer(() => {});
    await using second = await tcpServer(() => {});
    await using third = await tcpServer(() => {});
    const { registry, reload, stop, ended } = start([first, second]);
    await vi.waitFor(() => expect(registry.registered.size).toBe(2));
    const before = registry.events.filter((event) => event.endsWith(`${first.port}`));
    reload([first, third]);
    await vi.waitFor(() => expect(ports(registry)).toEqual([first.port, third.port].sort()));
    expect(registry.events.filter((event) => event.endsWith(`${first.port}`))).toEqual(before);
    stop();
    await ended;
    expect(registry.registered.size).toBe(0);
  });

  test('announces a changed service anew before its old announcement goes', async () => {
    await using server = await tcpServer(() => {});
    const { registry, metrics, reload, stop, ended } = start([server]);
    await vi.waitFor(() => expect(registry.registered.size).toBe(1));
    reload([server], { weight: 5 });
    await vi.waitFor(() => expect(registry.events.length).toBe(5));
    const { port } = server;
    const [announce, announced] = [`announce ${port}`, `announced ${port}`];
    expect(registry.events).toEqual([announce, announced, announce, announced, `withdraw ${port}`]);
    expect([...registry.registered].map(({ weight }) => weight)).toEqual([5]);
    expect((await metrics.text()).body).toContain('nerve_service_announced{service="web0"} 1');
    stop();
    await ended;
  });

  test('that takes a service away which is not up ends it too', async () => {
    const port = await closedPort();
    await using server = await tcpServer(() => {});
    const { registry, reload, stop, ended } = start([server]);
    reload([{ ...server, host: '127.0.0.1', port } as TestServer]);
    reload([]);
    await vi.waitFor(() => expect(registry.registered.size).toBe(0));
    stop();
    await ended;
  });
});

test('a hand-off leaves announcements where they are', async () => {
  await using server = await tcpServer(() => {});
  const { registry, stop, ended } = start([server]);
  await vi.waitFor(() => expect(registry.registered.size).toBe(1));
  stop(new HandOff());
  await ended;
  expect(registry.registered.size).toBe(1);
});

test('what an earlier nerve left is dropped once all services were judged', async () => {
  let answer: (() => void) | undefined;
  await using server = await httpServer((_, response) => {
    answer ??= () => void response.end();
  });
  const keys = { checks: [{ type: 'http', uri: '/', timeout: 10 }] };
  const { dropped, stop, ended } = start([server], 5000, {}, keys);
  await vi.waitFor(() => expect(answer).toBeDefined());
  expect(dropped()).toBe(false);
  answer?.();
  await vi.waitFor(() => expect(dropped()).toBe(true));
  stop();
  await ended;
});

test('drain keeps it after everything was withdrawn', async () => {
  const { stop, ended } = start([], 5000, { drain: 0.2 });
  const begin = performance.now();
  stop();
  await ended;
  expect(performance.now() - begin).toBeGreaterThan(190);
});
