import { createMetrics, silentLog } from '@smartstack/daemon';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { closedPort, httpServer, type TestServer, tcpServer } from '../checks/server.fixture.ts';
import { checkSchema } from '../checks/table.ts';
import { createTtlReports } from '../checks/ttl-reports.ts';
import type { ServiceConfig, ServicePolicy } from '../config/config.ts';
import { createSchedule } from '../health/schedule.ts';
import { createMeasures } from '../metrics/metrics.ts';
import { createTestRegistry, type TestRegistry } from '../registry.fixture.ts';
import { createService, type Service } from './service.ts';

let registry: TestRegistry;
let stop: AbortController;
let service: Service;
let ended: Promise<void> | undefined;
beforeEach(() => {
  registry = createTestRegistry();
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await ended;
});

function start(
  port: number,
  checks: readonly object[],
  policy: Partial<ServicePolicy> = {},
  weight?: number,
): void {
  const config: ServiceConfig = {
    name: 'web',
    instance: { host: '127.0.0.1', port, name: 'a', ...(weight !== undefined && { weight }) },
    places: [
      { type: 'file', registry: 'file', address: { type: 'file', directory: '/' }, path: 'web' },
    ],
    checkInterval: 20,
    checks: checks.map((check) => checkSchema.parse(check)),
    directory: '/',
    policy: {
      flapDamping: false,
      startGrace: 0,
      warmup: undefined,
      rateLimit: undefined,
      ...policy,
    },
  };
  const measures = createMeasures(createMetrics()).of('web');
  const deps = {
    open: () => registry,
    log: silentLog,
    measures,
    phases: checks.map(() => 0),
    ttlReports: createTtlReports(),
    schedule: createSchedule(),
    override: {},
  };
  service = createService(config, deps);
  ended = service.run(stop.signal);
}

const soon = { timeout: 3000, interval: 5 };
const up = () => vi.waitFor(() => expect(registry.registered.size).toBe(1), soon);
const down = () => vi.waitFor(() => expect(registry.registered.size).toBe(0), soon);
/** An HTTP server whose status the test sets. */
async function switchable() {
  const state = { status: 200, answered: new Map<number, number>() };
  const server = await httpServer((_, response) => {
    const { status, answered } = state;
    answered.set(status, (answered.get(status) ?? 0) + 1);
    response.writeHead(status).end();
  });
  return { state, server };
}

test('a service that passes is announced, and withdrawn when its server is gone', async () => {
  const server = await tcpServer(() => {});
  start(server.port, [{ type: 'tcp' }]);
  await up();
  await server[Symbol.asyncDispose]();
  await down();
});

test('a service that fails is not announced', async () => {
  start(await closedPort(), [{ type: 'tcp' }]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(registry.events).toEqual([]);
});

test('a service without checks is announced', async () => {
  start(80, []);
  await up();
});

test('a service is announced only while all of its checks pass', async () => {
  const { state, server } = await switchable();
  await using _ = server;
  state.status = 503;
  start(server.port, [{ type: 'tcp' }, { type: 'http', uri: '/' }]);
  await vi.waitFor(() => expect(server.accepted).toBeGreaterThan(4));
  expect(registry.events).toEqual([]);
  state.status = 200;
  await up();
  state.status = 503;
  await down();
});

test('fall failures in a row are awaited before it is withdrawn, and rise passes before it is back', async () => {
  const { state, server } = await switchable();
  await using _ = server;
  start(server.port, [{ type: 'http', uri: '/', rise: 3, fall: 3 }]);
  await up();
  state.status = 503;
  await down();
  expect(state.answered.get(503)).toBeGreaterThanOrEqual(3);
  state.answered.delete(200);
  state.status = 200;
  await up();
  expect(state.answered.get(200)).toBeGreaterThanOrEqual(3);
});

test('a check never overlaps itself, even when it takes longer than its interval', async () => {
  let open = 0;
  let most = 0;
  await using server = await httpServer((_, response) => {
    most = Math.max(most, ++open);
    setTimeout(() => {
      open--;
      response.end();
    }, 70);
  });
  start(server.port, [{ type: 'http', uri: '/', timeout: 1 }]);
  await vi.waitFor(() => expect(server.accepted).toBeGreaterThan(4), soon);
  expect(most).toBe(1);
});

test('a check that hangs does not hold up the others', async () => {
  await using hanging = await tcpServer((socket) => socket.resume());
  await using server = await tcpServer(() => {});
  start(server.port, [
    { type: 'http', uri: '/', port: hanging.port, timeout: 10 },
    { type: 'tcp' },
  ]);
  await vi.waitFor(() => expect(server.accepted).toBeGreaterThan(3));
  expect(hanging.accepted).toBe(1);
});

describe('a registry', () => {
  async function served(): Promise<TestServer> {
    const server = await tcpServer(() => {});
    start(server.port, [{ type: 'tcp' }]);
    return server;
  }

  test('that hangs while announcing does not hold up the checks', async () => {
    registry.announcing = 'hangs';
    await using server = await served();
    await vi.waitFor(() => expect(server.accepted).toBeGreaterThan(3));
    expect(registry.events).toEqual([`announce ${server.port}`]);
  });

  test('that hangs while announcing is no longer asked when the service goes down', async () => {
    registry.announcing = 'hangs';
    const server = await served();
    await vi.waitFor(() => expect(registry.events.length).toBe(1));
    await server[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(registry.events[1]).toBe(`cancelled ${server.port}`));
  });

  test('that refuses is tried again while the checks go on', async () => {
    registry.announcing = 'refused';
    await using server = await served();
    await vi.waitFor(() => expect(registry.events.length).toBeGreaterThan(2), soon);
    expect(server.accepted).toBeGreaterThan(3);
  });
});

test('the end withdraws', async () => {
  await using server = await tcpServer(() => {});
  start(server.port, [{ type: 'tcp' }]);
  await up();
  stop.abort();
  await ended;
  expect(registry.registered.size).toBe(0);
});

describe('policy', () => {
  test('a service that flaps is held down, and announced once it is calm', async () => {
    const { state, server } = await switchable();
    await using _ = server;
    const flapDamping = { changes: 3, window: 60_000, hold: 300, maxHold: 300 };
    start(server.port, [{ type: 'http', uri: '/' }], { flapDamping });
    await up();
    for (const status of [503, 200, 503, 200]) {
      state.status = status;
      await vi.waitFor(() => expect(service.status().state).toBe(status === 200 ? 'up' : 'down'));
    }
    expect(service.status()).toMatchObject({ state: 'up', announced: false, because: 'flapping' });
    await up();
  });

  test('a service that came up again warms up in place', async () => {
    const { state, server } = await switchable();
    await using _ = server;
    state.status = 503;
    start(server.port, [{ type: 'http', uri: '/' }], { warmup: 600 }, 100);
    await vi.waitFor(() => expect(service.status().state).toBe('down'));
    state.status = 200;
    await up();
    await vi.waitFor(() => expect(service.status().instance.weight).toBe(100), soon);
    const { port } = server;
    const changes = registry.events.filter((event) => event.startsWith('update'));
    expect(changes.length).toBeGreaterThan(2);
    expect(registry.events.at(-1)).toBe(`update ${port} 100`);
    expect(registry.events.slice(0, 2)).toEqual([`announce ${port}`, `announced ${port}`]);
  });

  test('failures within the start grace do not count', async () => {
    start(await closedPort(), [{ type: 'tcp' }], { startGrace: 300 });
    await vi.waitFor(() => expect(service.status().checks[0]?.reason).toMatch(/refused/));
    expect(service.status().state).toBe('unknown');
    await vi.waitFor(() => expect(service.status().state).toBe('down'));
  });

  test.each([
    [false, 'rate limit'],
    [true, 'up'],
  ])('a rate limit in shadow mode (%j) leaves it at %s', async (shadow, because) => {
    const { state, server } = await switchable();
    await using _ = server;
    const rateLimit = { averageRate: 0.01, maxBurst: 1, shadow };
    start(server.port, [{ type: 'http', uri: '/' }], { rateLimit });
    await up();
    state.status = 503;
    await down();
    state.status = 200;
    await vi.waitFor(() => expect(service.status()).toMatchObject({ state: 'up', because }));
  });
});

test('its status tells what is known', async () => {
  const { state, server } = await switchable();
  await using _ = server;
  start(server.port, [{ type: 'http', uri: '/', name: 'health' }]);
  await up();
  await vi.waitFor(() => expect(service.status().announced).toBe(true));
  expect(service.status()).toMatchObject({ state: 'up', because: 'up', path: 'web' });
  state.status = 503;
  await down();
  const reason = `GET http://127.0.0.1:${server.port}/: status 503`;
  await vi.waitFor(() =>
    expect(service.status()).toMatchObject({
      state: 'down',
      check: 'health',
      reason,
      announced: false,
      because: 'down',
      checks: [{ name: 'health', state: 'down', reason }],
    }),
  );
});
