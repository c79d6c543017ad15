import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createMetrics, silentLog } from '@smartstack/daemon';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { Limits } from './limits.ts';
import { snapshotOf } from './protocol/snapshot.fixture.ts';
import type { ResourceSnapshot } from './resource.ts';
import { type AdsServer, createAdsServer } from './server.ts';
import { type Subscriber, subscribe } from './transport/subscriber.fixture.ts';

const eventually = (check: () => unknown) => vi.waitFor(check, 15_000);

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xds-'));
  path = join(folder, 'xds.sock');
});
afterEach(() => rmSync(folder, { recursive: true }));

const few = {
  cluster: { a: '1', b: '1' },
  endpoints: { a: '1', b: '1' },
  listener: { a: '1' },
  route: { a: '1' },
};

async function start(
  limits: Partial<Limits> = {},
  snapshot: ResourceSnapshot | undefined = snapshotOf(few),
) {
  const metrics = createMetrics();
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const server = createAdsServer({ log, metrics, limits });
  await server.listen({ socket: { path } });
  if (snapshot) server.serve(snapshot);
  return {
    server,
    metrics,
    lines,
    target: `unix:${path}`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function askAll(subscriber: Subscriber): void {
  subscriber.send(subscriber.client.askAll('cluster'));
  subscriber.send(subscriber.client.subscribe('endpoints', ['a', 'b']));
  subscriber.send(subscriber.client.askAll('listener'));
  subscriber.send(subscriber.client.subscribe('route', ['a']));
}

const inStep = (server: AdsServer, streams = 1) =>
  eventually(() => {
    expect(server.status()).toHaveLength(streams);
    expect(server.isInStep).toBe(true);
  });

test.for(['delta', 'sotw'] as const)(
  '%s: a subscriber gets all that it asks for, in order, then what changes',
  async (protocol) => {
    await using started = await start();
    const { server, target } = started;
    await using subscriber = subscribe({ target, protocol, node: 'envoy-1' });
    askAll(subscriber);
    await eventually(() => expect(subscriber.responses).toHaveLength(4));
    await inStep(server);
    expect(subscriber.responses.map(({ type }) => type)).toEqual([
      'cluster',
      'endpoints',
      'listener',
      'route',
    ]);
    expect([...subscriber.client.has.cluster.keys()]).toEqual(['a', 'b']);
    server.serve(snapshotOf({ ...few, endpoints: { a: '2', b: '1' } }));
    await eventually(() => expect(subscriber.responses).toHaveLength(5));
    expect(subscriber.responses[4]?.resources.map(({ name }) => name)).toEqual(['a']);
    await inStep(server);
    const [status] = server.status();
    expect(status).toMatchObject({
      node: 'envoy-1',
      userAgent: 'raw 1',
      peer: 'unix socket',
      protocol,
      inStep: true,
      rejected: [],
      types: {
        cluster: { subscribed: 'wildcard', acked: { count: 2 }, pending: 0 },
        route: { subscribed: 1 },
      },
    });
    expect(JSON.parse(JSON.stringify(status))).toEqual(status);
  },
);

test('an equal snapshot sends nothing', async () => {
  await using started = await start();
  await using subscriber = subscribe({ target: started.target, protocol: 'delta' });
  askAll(subscriber);
  await eventually(() => expect(subscriber.responses).toHaveLength(4));
  started.server.serve(snapshotOf(few));
  started.server.serve(snapshotOf({ ...few, cluster: { a: '2', b: '1' } }));
  await eventually(() => expect(subscriber.responses.length).toBeGreaterThan(4));
  expect(subscriber.responses[4]).toMatchObject({ type: 'cluster', resources: [{ name: 'a' }] });
});

test('nothing is sent before the first snapshot, and then all at once', async () => {
  await using started = await start({}, undefined);
  const server = createAdsServer({ log: silentLog, metrics: createMetrics() });
  const other = join(folder, 'other.sock');
  await server.listen({ socket: { path: other } });
  await using subscriber = subscribe({ target: `unix:${other}`, protocol: 'delta' });
  askAll(subscriber);
  await eventually(() => expect(server.status()[0]?.types.route).toBeDefined());
  expect(subscriber.responses).toEqual([]);
  server.serve(snapshotOf(few));
  await eventually(() => expect(subscriber.responses).toHaveLength(4));
  await server[Symbol.asyncDispose]();
  expect(started.server.status()).toEqual([]);
});

test('a reconnect re-sends nothing that has not changed, and tells what is gone', async () => {
  await using started = await start();
  const first = subscribe({ target: started.target, protocol: 'delta' });
  askAll(first);
  await inStep(started.server);
  await eventually(() => expect(first.responses).toHaveLength(4));
  await first[Symbol.asyncDispose]();
  await eventually(() => expect(started.server.status()).toEqual([]));
  started.server.serve(snapshotOf({ ...few, cluster: { a: '1' }, endpoints: { a: '2' } }));
  await using second = subscribe({
    target: started.target,
    protocol: 'delta',
    client: first.client,
  });
  for (const request of first.client.reconnect()) second.send(request);
  await eventually(() => expect(second.client.has.cluster.has('b')).toBe(false));
  await eventually(() => expect(started.server.status()[0]?.types.endpoints?.pending).toBe(0));
  const sent = second.responses.flatMap(({ type, resources, removed }) => [
    ...resources.map(({ name }) => `${type} ${name}`),
    ...removed.map((name) => `no ${type} ${name}`),
  ]);
  expect(sent.sort()).toEqual(['endpoints a', 'no cluster b', 'no endpoints b']);
});

test.for(['delta', 'sotw'] as const)(
  '%s: what is refused is said once, with its service, and keeps nothing else back',
  async (protocol) => {
    await using started = await start();
    const { server, lines, target } = started;
    const judge = ({ version }: { version: string }) =>
      version.startsWith('bad') ? 'no such thing' : undefined;
    await using one = subscribe({ target, protocol, judge, node: 'one' });
    await using two = subscribe({ target, protocol, judge, node: 'two' });
    askAll(one);
    askAll(two);
    await inStep(server, 2);
    server.serve(snapshotOf({ ...few, cluster: { a: 'bad', b: '2' }, route: { a: '2' } }));
    await eventually(() => expect(server.isSettled).toBe(true));
    await eventually(() => expect(one.client.has.cluster.get('b')).toMatch(/^2/));
    await eventually(() => expect(one.client.has.route.get('a')).toMatch(/^2/));
    await eventually(() => expect(two.client.has.route.get('a')).toMatch(/^2/));
    expect(one.client.has.cluster.get('a')).toMatch(/^1/);
    expect(server.isInStep).toBe(false);
    expect(server.status()[0]?.rejected).toEqual([
      {
        type: 'cluster',
        resource: 'a',
        service: 'a',
        version: expect.stringMatching(/^bad/),
        reason: expect.stringContaining('no such thing'),
        since: expect.any(String),
        serves: 'last good',
      },
    ]);
    const refusals = () => lines.filter(({ msg }) => msg === 'subscriber refused a resource');
    expect(refusals()).toHaveLength(1);
    expect(refusals()[0]).toMatchObject({ type: 'cluster', resource: 'a', service: 'a' });
    const count = one.responses.length;
    server.serve(snapshotOf({ ...few, cluster: { a: '3', b: '2' }, route: { a: '2' } }));
    await inStep(server, 2);
    expect(one.responses.length).toBe(count + 1 + (protocol === 'delta' ? 1 : 1));
    expect(one.client.has.cluster.get('a')).toMatch(/^3/);
  },
);

test('who does not answer, and who does not read, keep nobody waiting and get the newest at last', async () => {
  await using started = await start();
  const { server, target } = started;
  await using silent = subscribe({ target, protocol: 'delta' });
  await using slow = subscribe({ target, protocol: 'delta' });
  await using other = subscribe({ target, protocol: 'delta' });
  for (const each of [silent, slow, other]) askAll(each);
  await inStep(server, 3);
  silent.hold('unanswered');
  slow.hold('unread');
  const count = silent.responses.length;
  const large = 'x'.repeat(100_000);
  for (let version = 2; version < 20; version++) {
    server.serve(snapshotOf({ ...few, endpoints: { a: `${version}${large}`, b: '1' } }));
    await eventually(() =>
      expect(other.client.has.endpoints.get('a')).toMatch(new RegExp(`^${version}x`)),
    );
  }
  expect(silent.responses.length).toBe(count + 1);
  silent.go();
  slow.go();
  await inStep(server, 3);
  expect(silent.responses.length).toBe(count + 2);
  expect(slow.client.has.endpoints).toEqual(other.client.has.endpoints);
});

test('what is no request ends its stream with INVALID_ARGUMENT, and no other', async () => {
  await using started = await start();
  await using other = subscribe({ target: started.target, protocol: 'delta' });
  askAll(other);
  await using bad = subscribe({ target: started.target, protocol: 'delta' });
  bad.raw(Buffer.from([0xff, 0xff, 0xff, 0x01]));
  expect(await bad.ended).toMatchObject({
    code: 3,
    details: expect.stringContaining('not a discovery request'),
  });
  await inStep(started.server, 1);
});

test('a request that is too long, too many names and too many streams end their streams only', async () => {
  await using started = await start({ requestBytes: 10_000, names: 10, streams: 2 });
  const { server, target } = started;
  await using good = subscribe({ target, protocol: 'delta' });
  askAll(good);
  await inStep(server);
  for (const raw of [Buffer.alloc(20_000), undefined]) {
    await using bad = subscribe({ target, protocol: 'delta' });
    if (raw) bad.raw(raw);
    else
      bad.send(
        bad.client.subscribe(
          'cluster',
          Array.from({ length: 11 }, (_, n) => `n${n}`),
        ),
      );
    expect(await bad.ended).toMatchObject({ code: 8 });
  }
  await eventually(() => expect(server.status()).toHaveLength(1));
  await using second = subscribe({ target, protocol: 'sotw' });
  askAll(second);
  await inStep(server, 2);
  await using third = subscribe({ target, protocol: 'sotw' });
  askAll(third);
  expect(await third.ended).toMatchObject({ code: 8, details: 'more than 2 streams' });
});

test('a flood of requests is read at a pace, and others are served meanwhile', async () => {
  await using started = await start({ requestBurst: 20, requestsPerSecond: 50 });
  const { server, metrics, target } = started;
  await using flood = subscribe({ target, protocol: 'delta' });
  askAll(flood);
  for (let count = 0; count < 2_000; count++)
    flood.send(flood.client.subscribe('endpoints', ['a']));
  await using other = subscribe({ target, protocol: 'delta' });
  askAll(other);
  await eventually(() => expect(other.client.has.route.size).toBe(1));
  const { body } = await metrics.text();
  const asked = Number(/requests_total\{answer="none"\} (\d+)/.exec(body)?.[1]);
  expect(asked).toBeLessThan(200);
  expect(server.status()).toHaveLength(2);
});

test('a socket has its mode from the start; a stale one is replaced, and one that is served is not', async () => {
  writeFileSync(path, '');
  const server = createAdsServer({ log: silentLog, metrics: createMetrics() });
  await expect(server.listen({ socket: { path } })).rejects.toThrow(
    `cannot listen at ${path}: there is something that is no socket`,
  );
  rmSync(path);
  await server.listen({ socket: { path } });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await expect(server.listen({ socket: { path } })).rejects.toThrow(
    'another process listens there',
  );
  const wide = join(folder, 'wide.sock');
  await server.listen({ socket: { path: wide, mode: 0o660 } });
  expect(statSync(wide).mode & 0o777).toBe(0o660);
  await expect(server.listen({ address: '0.0.0.0:1' })).rejects.toThrow(
    'expected a loopback address',
  );
  const { port } = await server.listen({ address: '127.0.0.1:0' });
  server.serve(snapshotOf(few));
  await using subscriber = subscribe({ target: `127.0.0.1:${port}`, protocol: 'sotw' });
  askAll(subscriber);
  await inStep(server);
  expect(server.status()[0]?.peer).toMatch(/^127\.0\.0\.1:\d+$/);
  await server[Symbol.asyncDispose]();
});

test('it ends all streams in a bounded time, those too that do not read', async () => {
  const started = await start({ grace: 200 });
  await using slow = subscribe({ target: started.target, protocol: 'delta' });
  askAll(slow);
  await inStep(started.server);
  slow.hold('unread');
  started.server.serve(snapshotOf({ ...few, cluster: { a: 'x'.repeat(1_000_000), b: '1' } }));
  await using idle = subscribe({ target: started.target, protocol: 'delta' });
  idle.send(idle.client.askAll('listener'));
  await eventually(() => expect(idle.responses).toHaveLength(1));
  const since = performance.now();
  await started.server[Symbol.asyncDispose]();
  expect(performance.now() - since).toBeLessThan(5_000);
  expect((await idle.ended)?.details).toBeUndefined();
  slow.go();
  await slow.ended;
});

test('changes tells of streams that come, refuse, are in step and go', async () => {
  await using started = await start();
  const { server, target } = started;
  const ended = new AbortController();
  let told = 0;
  const following = (async () => {
    for await (const _ of server.changes(ended.signal)) told += 1;
  })();
  const subscriber = subscribe({ target, protocol: 'delta' });
  askAll(subscriber);
  await eventually(() => expect(told).toBeGreaterThan(1));
  await inStep(server);
  const before = told;
  await subscriber[Symbol.asyncDispose]();
  await eventually(() => expect(told).toBeGreaterThan(before));
  ended.abort();
  await following;
});

test('a stream that is cut at any byte leaves the server well, and a reconnect gets everything', async () => {
  await using started = await start();
  const { server, target } = started;
  let limit = 0;
  let passed = 0;
  const relayed = join(folder, 'relay.sock');
  const sockets = new Set<Socket>();
  const relay = createServer((inbound) => {
    const outbound = createConnection(path);
    for (const [from, to] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => to.destroy());
      from.on('data', (bytes) => {
        const left = limit - passed;
        passed += bytes.length;
        to.write(bytes.subarray(0, Math.max(0, left)), () => {
          if (left <= bytes.length) to.destroy();
        });
      });
    }
  });
  await new Promise<void>((resolve) => relay.listen(relayed, resolve));
  async function exchange(cut: number): Promise<number> {
    limit = cut;
    passed = 0;
    await using subscriber = subscribe({ target: `unix:${relayed}`, protocol: 'delta' });
    askAll(subscriber);
    await Promise.race([
      subscriber.ended,
      eventually(() => expect(server.isInStep && subscriber.client.has.route.size).toBe(1)),
    ]);
    return passed;
  }
  const whole = await exchange(Number.MAX_SAFE_INTEGER);
  const step = process.env.EVERY_BYTE === undefined ? 97 : 1;
  for (let cut = 1; cut < whole; cut += step) await exchange(cut);
  await eventually(() => expect(server.status()).toEqual([]));
  await using subscriber = subscribe({ target, protocol: 'delta' });
  askAll(subscriber);
  await inStep(server);
  relay.close();
  for (const socket of sockets) socket.destroy();
}, 600_000);
