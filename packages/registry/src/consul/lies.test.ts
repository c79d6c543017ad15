import { createMetrics, silentLog } from '@smartstack/daemon';
import { describe, expect, test, vi } from 'vitest';

import { badRecordsOf } from '../instance/decoder.ts';
import type { Instance } from '../instance/instance.ts';
import { createConsulRegistry } from './consul.ts';
import { createEntryReader } from './entries.ts';
import { defaultMapping } from './mapping.ts';
import { plainQuery } from './query.ts';
import { consulSchema } from './section.ts';
import { type Answer, entry, startFakeConsul } from './server.fixture.ts';

/** A follower of one member of a Consul that can lie. */
async function createScene() {
  const consul = await startFakeConsul();
  const ended = new AbortController();
  const section = consulSchema.parse({ url: consul.url, wait: 1 });
  const registry = createConsulRegistry({ section, log: silentLog, metrics: createMetrics() });
  const lists: (readonly Instance[])[] = [];
  const troubles: (string | undefined)[] = [];
  const running = (async () => {
    const query = { ...plainQuery('web'), datacenters: [], mapping: defaultMapping };
    const note = (reason: string | undefined) => void troubles.push(reason);
    for await (const list of registry.follow(query, note, ended.signal)) lists.push(list);
  })();
  const portsOf = () => lists.map((list) => list.map(({ port }) => port).join(' '));
  consul.answer({ index: 10, body: [entry(1)] });
  await vi.waitFor(() => expect(portsOf()).toEqual(['1']));
  return {
    ...{ consul, registry, lists, troubles, portsOf },
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await running;
      await registry[Symbol.asyncDispose]();
      await consul[Symbol.asyncDispose]();
    },
  };
}

const good: Answer = { index: 12, body: [entry(1), entry(2)] };
const half = JSON.stringify([entry(1), entry(2)]).slice(0, -40);

describe.concurrent('what is no good answer changes nothing, says why, and is asked again', () => {
  test.each<[string, Answer, RegExp]>([
    ['an error', { status: 500, body: 'No cluster leader' }, /answered 500: .*No cluster leader/],
    ['a refused token', { status: 403, body: 'ACL not found' }, /answered 403: .*ACL not found/],
    ['too many requests', { status: 429, body: '' }, /answered 429/],
    [
      'a redirect',
      { status: 307, headers: { location: 'http://127.0.0.1:1/' }, body: '' },
      /answered 307, a redirect to http:\/\/127\.0\.0\.1:1\//,
    ],
    ['another status of success', { status: 204, index: 12 }, /status 204/],
    ['half of the JSON', { index: 12, body: half }, /not valid JSON/],
    ['half of the answer', { index: 12, half }, /aborted|socket hang up|cut off|ECONNRESET/],
    ['no body', { index: 12, body: '' }, /the answer is no list/],
    ['null', { index: 12, body: null }, /the answer is no list/],
    ['another JSON', { index: 12, body: { web: [] } }, /the answer is no list/],
    [
      'the answer of another service',
      { index: 12, body: [entry(1), entry(7, { Service: 'billing' })] },
      /the answer is of billing/,
    ],
    [
      'no leader',
      { index: 12, body: [], headers: { 'X-Consul-KnownLeader': 'false' } },
      /Consul has no leader/,
    ],
    [
      'a server that lags behind',
      { index: 12, body: [], headers: { 'X-Consul-LastContact': '60000' } },
      /its server last heard of the leader 60000 ms ago/,
    ],
    [
      'a list that the token may not see',
      { index: 12, body: [], headers: { 'X-Consul-Results-Filtered-By-ACLs': 'true' } },
      /the token may not read it/,
    ],
  ])('%s', async (_, lie, reason) => {
    await using scene = await createScene();
    const { consul, registry, troubles, portsOf } = scene;
    consul.answer(lie);
    await vi.waitFor(() => expect(troubles).toEqual([expect.stringMatching(reason)]));
    // A token that is refused says nothing of Consul's health: other services' losses are believed.
    const isDoubt = !/answered 403|token may not/.test(troubles[0] ?? '');
    expect(registry.lastUnhealthy() !== undefined).toBe(isDoubt);
    consul.answer(good);
    await vi.waitFor(() => expect(portsOf()).toEqual(['1', '1 2']));
    expect(troubles.at(-1)).toBeUndefined();
    // What could not be asked behind an index any more is asked for at once.
    expect(consul.asked[2]?.searchParams.has('index')).toBe(false);
  });
});

test.concurrent('an index that goes back is no news before a leader has said so', async () => {
  await using scene = await createScene();
  const { consul, portsOf } = scene;
  consul.answer({ index: 3, body: [] });
  await vi.waitFor(() => expect(consul.asked).toHaveLength(3));
  expect(consul.asked[2]?.searchParams.has('consistent')).toBe(true);
  expect(portsOf()).toEqual(['1']);
  consul.answer({ index: 11, body: [entry(1), entry(3)] });
  await vi.waitFor(() => expect(portsOf()).toEqual(['1', '1 3']));
});

test.concurrent('once the leader has said so it counts, and is waited behind', async () => {
  await using scene = await createScene();
  const { consul, portsOf } = scene;
  consul.answer({ index: 3, body: [] });
  consul.answer({ index: 3, body: [entry(2)] });
  await vi.waitFor(() => expect(portsOf()).toEqual(['1', '2']));
  await vi.waitFor(() => expect(consul.asked).toHaveLength(4));
  expect(consul.asked[3]?.searchParams.get('index')).toBe('3');
});

test.concurrent.each([0, 'x', '-1', '1e9'])(
  'behind an index of %s nobody waits: it is asked again later',
  async (index) => {
    await using scene = await createScene();
    const { consul, portsOf } = scene;
    consul.answer({ index, body: [entry(1), entry(2)] });
    // That is an index that went back.
    consul.answer({ index, body: [entry(1), entry(2)] });
    await vi.waitFor(() => expect(portsOf()).toEqual(['1', '1 2']), 3_000);
    await vi.waitFor(() => expect(consul.asked).toHaveLength(4));
    expect(consul.asked[3]?.searchParams.has('index')).toBe(false);
  },
);

test.concurrent('one bad entry is left out, and the others stand', async () => {
  await using scene = await createScene();
  const { consul, lists, portsOf } = scene;
  consul.answer({
    index: 12,
    body: [
      entry(1),
      null,
      { Node: {}, Service: {} },
      entry(2, { Address: 'a b' }),
      entry(70_000),
      entry(3, { Tags: null, Meta: null, Weights: null }),
      { ...entry(4), Checks: null },
      entry(5, { Meta: { 'smartstack-nerve': 'x', 'smartstack-record-0': '{"host":' } }),
    ],
  });
  await vi.waitFor(() => expect(portsOf()).toEqual(['1', '1 3 4 5']));
  expect(
    badRecordsOf(lists[1] ?? [])
      .map(({ reason }) => reason)
      .toSorted(),
  ).toEqual(['bad address', 'bad port', 'not an entry of Consul', 'not an entry of Consul']);
});

test('an entry whose unused parts nest too deeply is read, and is the same again', async () => {
  const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`) as unknown;
  const nested = { ...entry(1), Proxy: deep };
  const read = createEntryReader();
  const signal = new AbortController().signal;
  const [first, second] = await read([nested, entry(2)], 'web', signal);
  expect(JSON.parse(String(first?.data))).toMatchObject({ port: 1 });
  const again = await read([nested, entry(2)], 'web', signal);
  expect(again[0]?.data).toBe(first?.data);
  expect(again[1]?.data).toBe(second?.data);
});

test('10,000 members are read whole', async () => {
  await using scene = await createScene();
  const { consul, lists } = scene;
  consul.answer({ index: 12, body: Array.from({ length: 10_000 }, (_, at) => entry(at + 1)) });
  await vi.waitFor(() => expect(lists[1]).toHaveLength(10_000), 5_000);
});

test.concurrent('a list that says the same is not yielded again', async () => {
  await using scene = await createScene();
  const { consul, portsOf } = scene;
  consul.answer({ index: 12, body: [entry(1)] });
  consul.answer({ index: 13, body: [entry(1), entry(2)] });
  await vi.waitFor(() => expect(portsOf()).toEqual(['1', '1 2']));
});
