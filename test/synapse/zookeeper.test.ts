import { createMetrics, silentLog } from '@smartstack/daemon';
import {
  createRegistries,
  type Instance,
  type OpenedRegistries,
  serversetDecoder,
} from '@smartstack/registry';
import { connect, type Session } from '@smartstack/zookeeper';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startZooKeeper } from '../support/zookeeper.ts';

let server: Awaited<ReturnType<typeof startZooKeeper>>;
let session: Session;
let registries: OpenedRegistries;
const ended = new AbortController();
const metrics = createMetrics();

beforeAll(async () => {
  server = await startZooKeeper();
  session = connect({ hosts: [server.hosts] });
  registries = createRegistries({ log: silentLog, metrics });
});
afterAll(async () => {
  ended.abort();
  await registries[Symbol.asyncDispose]();
  await session.close();
  await server[Symbol.asyncDispose]();
});

const zookeeper = () => registries.openZooKeeper([server.hosts]);
const addressOf = (list: readonly Instance[] | undefined) =>
  list?.map(({ host, port, name }) => `${name ?? ''} ${host}:${port}`).sort();

async function add(path: string, record: string): Promise<string> {
  await session.makePath(path.slice(0, path.lastIndexOf('/')));
  return session.create(path, Buffer.from(record), 'persistent_sequential');
}

test('path-encoded and plain members stand side by side, and only the plain ones are read', async () => {
  const text = Buffer.from('{"host":"10.0.0.1","port":1,"name":"vm-1"}').toString('base64url');
  await add(`/encoded/base64_${text.length}_${text}_`, '');
  await add('/encoded/vm-2_', '{"host":"10.0.0.2","port":2,"name":"vm-2"}');
  for await (const list of zookeeper().watch('/encoded', ended.signal)) {
    expect(addressOf(list)).toEqual(['vm-1 10.0.0.1:1', 'vm-2 10.0.0.2:2']);
    break;
  }
  const { body } = await metrics.text();
  expect(body).toMatch(/zookeeper_operations_total\{[^}]*operation="get"[^}]*\} 1\n/);
});

test('members of a server set are read', async () => {
  await add(
    '/set/member_',
    '{"serviceEndpoint":{"host":"10.0.0.1","port":1},"additionalEndpoints":{},"shard":3,"status":"ALIVE"}',
  );
  const options = { decode: serversetDecoder() };
  for await (const list of zookeeper().follow('/set', options, ended.signal)) {
    expect(addressOf(list)).toEqual(['3 10.0.0.1:1']);
    break;
  }
});

test.each([
  ['watched', undefined],
  ['polled', 20],
])(
  'that a %s path does not exist is told, and its members once it does',
  async (kind, pollInterval) => {
    const path = `/missing-${kind}`;
    let told = () => {};
    const missing = new Promise<void>((resolve) => {
      told = resolve;
    });
    const options = { pollInterval, onMissing: told };
    const lists = zookeeper().follow(path, options, ended.signal)[Symbol.asyncIterator]();
    const first = lists.next();
    await missing;
    await add(`${path}/a_`, '{"host":"10.0.0.1","port":1}');
    for (let list = await first; ; list = await lists.next())
      if (addressOf(list.value)?.[0] === ' 10.0.0.1:1') break;
  },
);

test('a polled path and a node’s data follow what is written', async () => {
  const lists = zookeeper().follow('/polled', { pollInterval: 20 }, ended.signal);
  const polled = lists[Symbol.asyncIterator]();
  const first = polled.next();
  const node = await add('/polled/a_', '{"host":"10.0.0.1","port":1}');
  expect(addressOf((await first).value)?.length).toBeLessThanOrEqual(1);
  await session.set(node, Buffer.from('{"host":"10.0.0.1","port":2}'));
  for await (const list of { [Symbol.asyncIterator]: () => polled })
    if (addressOf(list)?.[0] === ' 10.0.0.1:2') break;

  const data = zookeeper()
    .data('/polled', { pollInterval: 20 }, ended.signal)
    [Symbol.asyncIterator]();
  expect((await data.next()).value?.toString()).toBe('');
  await session.set('/polled', Buffer.from('{"haproxy":{}}'));
  expect((await data.next()).value?.toString()).toBe('{"haproxy":{}}');
});

test('a node’s data is watched: written, removed and there again, each is seen at once', async () => {
  const data = zookeeper().data('/generator', {}, ended.signal)[Symbol.asyncIterator]();
  const next = async () => (await data.next()).value?.toString();
  expect(await next()).toBe(undefined);
  await session.create('/generator', Buffer.from('1'), 'persistent');
  expect(await next()).toBe('1');
  await session.set('/generator', Buffer.from('2'));
  expect(await next()).toBe('2');
  await session.set('/generator', Buffer.alloc(0));
  expect(await next()).toBe('');
  await session.remove('/generator');
  expect(await next()).toBe(undefined);
});
