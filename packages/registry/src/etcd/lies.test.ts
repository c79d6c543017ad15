import type { ServerHttp2Stream } from 'node:http2';

import { createMetrics, silentLog } from '@smartstack/daemon';
import { describe, expect, test, vi } from 'vitest';

import { createEtcdRegistry } from './etcd.ts';
import { answer, type FakeEtcd, startFakeEtcd } from './server.fixture.ts';
import { encode } from './wire/protobuf.ts';

const key = (port: number) => `/services/web/m${port}`;

/** A follower of three members of an etcd that can lie. */
async function createScene(members: readonly number[] = [1, 2, 3], timeout = 500) {
  const etcd = await startFakeEtcd();
  for (const port of members) etcd.put(key(port), `10.0.0.1:${port}`);
  const registry = createEtcdRegistry({
    endpoints: [etcd.endpoint],
    timeout,
    log: silentLog,
    metrics: createMetrics(),
  });
  const ended = new AbortController();
  const lists: string[] = [];
  const troubles: string[] = [];
  const onTrouble = (reason: string | undefined) => reason && troubles.push(reason);
  const read = async () => {
    const options = { onTrouble: (reason: string | undefined) => void onTrouble(reason) };
    for await (const list of registry.follow('/services/web', options, ended.signal))
      lists.push(list.map(({ port }) => port).join(' '));
  };
  const reading = read();
  const has = (ports: string) =>
    vi.waitFor(() => expect(lists.at(-1)).toBe(ports), { timeout: 5_000 });
  return {
    ...{ etcd, registry, lists, troubles, has },
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await reading;
      await registry[Symbol.asyncDispose]();
      await etcd[Symbol.asyncDispose]();
    },
  };
}

const respond = (status: number, type: string) => (stream: ServerHttp2Stream) => {
  stream.respond({ ':status': status, 'content-type': type, location: '/elsewhere' });
  stream.end('<html>');
};
const raw = (bytes: Buffer) => (stream: ServerHttp2Stream) => {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
  stream.end(bytes);
};

describe.concurrent('a list that is none is no list: what was known stands', () => {
  test.each<[string, (etcd: FakeEtcd) => (stream: ServerHttp2Stream) => void, RegExp]>([
    ['nothing', () => (stream) => answer(stream), /no answer in it/],
    ['half a message', () => raw(Buffer.from([0, 0, 0, 1, 0, 1])), /connection closed|midst/],
    ['no protobuf', () => (stream) => answer(stream, Buffer.from('\x0fhello')), /protobuf/],
    ['compressed', () => raw(Buffer.from([1, 0, 0, 0, 1, 1])), /compressed/],
    ['more than fits', () => raw(Buffer.from([0, 255, 255, 255, 255])), /longer than/],
    ['an error', () => respond(500, 'text/html'), /answered 500/],
    ['a redirect', () => respond(302, 'text/html'), /answered 302/],
    ['a page', () => respond(200, 'text/html'), /answered 200 and not as etcd/],
    [
      'a status whose text is not encoded as gRPC has it',
      () => (stream) => {
        const status = { 'grpc-status': '13', 'grpc-message': '100 %zz' };
        const head = { ':status': 200, 'content-type': 'application/grpc', ...status };
        stream.respond(head, { endStream: true });
      },
      /100 %zz/,
    ],
    [
      'a page of nothing, and that there is more',
      (etcd) => (stream) => answer(stream, encode({ 1: etcd.header(), 3: true, 4: 9 })),
      /no keys, and that there are more/,
    ],
    [
      'the same page again and again',
      (etcd) => (stream) => {
        const kvs = Array.from({ length: 5_000 }, () => encode({ 1: key(1), 2: 2, 3: 2 }));
        answer(stream, encode({ 1: etcd.header(), 2: kvs, 3: true }));
      },
      /keys that were read before/,
    ],
    ['silence', () => () => {}, /no answer in 500 ms/],
    [
      'records of another service',
      (etcd) => (stream) => {
        const kv = encode({ 1: '/services/db/m1', 2: 1, 3: 1, 5: '10.0.0.2:1' });
        answer(stream, encode({ 1: etcd.header(), 2: kv, 4: 1 }));
      },
      /\/services\/db\/m1, which is not below \/services\/web/,
    ],
  ])('%s', async (_, lie, reason) => {
    await using scene = await createScene();
    const { etcd, lists, troubles, has } = scene;
    await has('1 2 3');
    await vi.waitFor(() => expect(etcd.watches).toBe(1), { timeout: 5_000 });
    etcd.listing = lie(etcd);
    // Only a list can tell what came of this.
    etcd.say(encode({ 1: etcd.header(), 4: true, 5: 99 }));
    await vi.waitFor(() => expect(troubles.join()).toMatch(reason), { timeout: 5_000 });
    expect(lists).toEqual(['1 2 3']);
    etcd.put(key(4), '10.0.0.1:4');
    etcd.listing = undefined;
    await has('1 2 3 4');
    expect(lists).toEqual(['1 2 3', '1 2 3 4']);
  });
});

describe.concurrent('a stream that says what is not so changes nothing', () => {
  test.each<[string, (etcd: FakeEtcd) => void]>([
    ['what was told before', (etcd) => etcd.say(etcd.events(etcd.event(key(1), 'x:9', 2)))],
    [
      'of another service',
      (etcd) => etcd.say(etcd.events(etcd.event('/services/db/m', 'x:9', 99))),
    ],
    [
      'of a watch that is not',
      (etcd) => etcd.say(encode({ 1: etcd.header(), 2: 7n, 11: [etcd.event(key(9), 'x:9', 99)] })),
    ],
    ['no protobuf', (etcd) => etcd.say(Buffer.from('\x0fhello'))],
    ['a watch that nobody asked for', (etcd) => etcd.say(encode({ 1: etcd.header(), 3: true }))],
    ['that the watch is over', (etcd) => etcd.say(encode({ 1: etcd.header(), 4: true, 6: 'so' }))],
    ['nothing', (etcd) => etcd.say(Buffer.alloc(0))],
    ['that it ends', (etcd) => etcd.cut()],
  ])('%s', async (_, lie) => {
    await using scene = await createScene();
    const { etcd, lists, has } = scene;
    await has('1 2 3');
    await vi.waitFor(() => expect(etcd.watches).toBe(1), { timeout: 5_000 });
    lie(etcd);
    etcd.put(key(4), '10.0.0.1:4');
    await vi.waitFor(() => expect(lists.length).toBeLessThan(3));
    // What came while there was no stream is told by the next one; here it is told again.
    await vi.waitFor(() => {
      etcd.say(etcd.events(etcd.event(key(4), '10.0.0.1:4', etcd.revision)));
      expect(lists.at(-1)).toBe('1 2 3 4');
    }, 5_000);
    expect(lists).toEqual(['1 2 3', '1 2 3 4']);
    expect(etcd.lists).toBe(1);
  });
});

test('a cluster that went back is read again, and counts as in trouble', async () => {
  await using scene = await createScene();
  const { etcd, registry, has } = scene;
  await has('1 2 3');
  await vi.waitFor(() => expect(etcd.watches).toBe(1), { timeout: 5_000 });
  expect(registry.lastUnhealthy()).toBeUndefined();
  etcd.remove(key(3));
  await has('1 2');
  etcd.revision -= 3;
  etcd.cut();
  await vi.waitFor(() => expect(etcd.lists).toBe(2), 5_000);
  expect(registry.lastUnhealthy()).toBeGreaterThan(performance.now() - 5_000);
  await vi.waitFor(() => expect(etcd.watches).toBeGreaterThan(1));
  etcd.put(key(5), '10.0.0.1:5');
  await has('1 2 5');
});

test('10,000 members are one list, and a change of one of them is one event', async () => {
  const ports = Array.from({ length: 10_000 }, (_, index) => index + 1).toSorted((one, other) =>
    `${one}` < `${other}` ? -1 : 1,
  );
  // A busy machine needs longer for this many, and one that is asked again lists again.
  await using scene = await createScene(ports, 5_000);
  const { etcd, lists, has } = scene;
  await has(ports.join(' '));
  await vi.waitFor(() => expect(etcd.watches).toBe(1), { timeout: 5_000 });
  etcd.remove(key(500));
  await has(ports.filter((port) => port !== 500).join(' '));
  expect(lists).toHaveLength(2);
  // In pages of 5,000.
  expect(etcd.lists).toBe(2);
});
