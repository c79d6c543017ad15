import { afterAll, beforeAll, expect, test } from 'vitest';

import { startRelay } from '../support/relay.ts';
import {
  eventually,
  follow,
  metric,
  openSession,
  startSession,
  type Watched,
} from '../support/session.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper.ts';

let server: ZooKeeper;
beforeAll(async () => {
  server = await startZooKeeper();
});
afterAll(() => server[Symbol.asyncDispose]());

const count = (watched: Watched, operation: string) =>
  metric(watched.metrics, 'zookeeper_operations_total', `operation="${operation}"`);

test('50,000 watched paths survive a reconnect: no data is read again, and every watch still works', async () => {
  await using writer = await openSession({ hosts: [server.hosts], timeout: 20_000, inFlight: 512 });
  const services = Array.from({ length: 250 }, (_, n) => `/stack/service-with-a-long-name-${n}`);
  const create = (path: string) =>
    writer.session.create(path, Buffer.from('1'), 'persistent', { deadline: 60_000 });
  await create('/stack');
  await Promise.all(
    services.map(async (service) => {
      await create(service);
      await Promise.all(Array.from({ length: 200 }, (_, n) => create(`${service}/i${n}`)));
    }),
  );
  await using relay = await startRelay(server.port);
  await using watched = await openSession({ hosts: [relay.hosts], timeout: 20_000 });
  const followed = services.map((service) => follow(watched, service));
  await eventually(() => {
    for (const lists of followed) expect(lists[0]).toHaveLength(200);
  }, 40_000);
  const reads = await count(watched, 'get');
  expect(reads).toBe(50_000);
  const looks = await count(watched, 'look at');

  const { id } = watched.session;
  relay.cut();
  await eventually(
    async () => expect(await count(watched, 'look at')).toBe(looks + 50_000),
    30_000,
  );
  expect(watched.session.id).toBe(id);
  expect(relay.connections).toBe(2);
  expect(await count(watched, 'get')).toBe(reads);

  const last = services.at(-1) as string;
  await writer.session.set(`${last}/i199`, Buffer.from('2'));
  await writer.session.create(`${services[0]}/new`, Buffer.from('3'), 'persistent');
  await eventually(() => {
    expect(followed.at(-1)?.at(-1)).toContain('i199=2');
    expect(followed[0]?.at(-1)).toContain('new=3');
  });
  expect(await count(watched, 'get')).toBe(reads + 2);
  expect(followed.map((lists) => lists.length).filter((length) => length > 1)).toHaveLength(2);
}, 120_000);

test('children whose names say all are neither read nor watched, before and after a reconnect', async () => {
  await using writer = await openSession({ hosts: [server.hosts] });
  const create = (name: string) =>
    writer.session.create(`/whole/${name}`, Buffer.from('1'), 'persistent');
  await writer.session.makePath('/whole');
  await Promise.all(['all-a', 'all-b', 'read'].map(create));
  await using relay = await startRelay(server.port);
  const wholeNames = (name: string) => name.startsWith('all-');
  await using watched = await openSession({ hosts: [relay.hosts], wholeNames });
  const lists = follow(watched, '/whole');
  await eventually(() => expect(lists.at(-1)).toEqual(['all-a=', 'all-b=', 'read=1']));
  await create('all-c');
  await writer.session.remove('/whole/all-a');
  await eventually(() => expect(lists.at(-1)).toEqual(['all-b=', 'all-c=', 'read=1']));
  relay.cut();
  await writer.session.set('/whole/read', Buffer.from('2'));
  await writer.session.remove('/whole/all-b');
  await eventually(() => expect(lists.at(-1)).toEqual(['all-c=', 'read=2']));
  expect(await count(watched, 'get')).toBe(2);
  expect(await count(watched, 'look at')).toBe(1);
  expect((await server.fourLetter('wchp')).split('\n')).not.toContain('/whole/all-c');
});

test('what changed while the connection was away is read, and nothing else', async () => {
  await using writer = await openSession({ hosts: [server.hosts] });
  const { session } = writer;
  await session.makePath('/away');
  for (const name of ['a', 'b', 'c', 'd'])
    await session.create(`/away/${name}`, Buffer.from('1'), 'persistent');
  await using relay = await startRelay(server.port);
  await using watched = await openSession({ hosts: [relay.hosts], timeout: 20_000 });
  const lists = follow(watched, '/away');
  await eventually(() => expect(lists).toHaveLength(1));
  const reads = await count(watched, 'get');

  relay.silence();
  await session.set('/away/a', Buffer.from('2'));
  await session.remove('/away/b');
  await session.remove('/away/c');
  await session.create('/away/c', Buffer.from('new'), 'persistent');
  await session.create('/away/e', Buffer.from('1'), 'persistent');
  relay.cut();
  relay.resume();
  await eventually(() => expect(lists.at(-1)).toEqual(['a=2', 'c=new', 'd=1', 'e=1']));
  expect(await count(watched, 'get')).toBe(reads + 3);
});

test('a watch that was lost is found by the comparison, and counted', async () => {
  await using writer = await openSession({ hosts: [server.hosts] });
  const { session } = writer;
  await session.makePath('/audited');
  await session.create('/audited/a', Buffer.from('1'), 'persistent');
  await using relay = await startRelay(server.port);
  await using watched = await openSession({
    hosts: [relay.hosts],
    timeout: 20_000,
    resyncInterval: 400,
  });
  const lists = follow(watched, '/audited');
  await eventually(() => expect(lists).toHaveLength(1));
  const lost = () => metric(watched.metrics, 'zookeeper_lost_watches_total');
  await eventually(async () => expect(await count(watched, 'look at')).toBeGreaterThan(5));
  expect(await lost()).toBe(0);
  expect(lists).toHaveLength(1);

  for (const change of [
    () => session.create('/audited/b', Buffer.from('2'), 'persistent'),
    () => session.set('/audited/a', Buffer.from('3')),
  ]) {
    const before = await lost();
    relay.swallowEvents();
    await change();
    await eventually(async () => expect(await lost()).toBeGreaterThan(before));
    relay.resume();
  }
  await eventually(() => expect(lists.at(-1)).toEqual(['a=3', 'b=2']));
});

test('two readers of one path each get everything', async () => {
  await using watched = await openSession({ hosts: [server.hosts] });
  const { session } = watched;
  await session.makePath('/two');
  const readers = [follow(watched, '/two'), follow(watched, '/two')];
  for (const name of ['a', 'b', 'c'])
    await session.create(`/two/${name}`, Buffer.from('1'), 'persistent');
  await eventually(() => {
    for (const lists of readers) expect(lists.at(-1)).toEqual(['a=1', 'b=1', 'c=1']);
  });
});

/** Follows a node's own data and keeps all of it that came. */
function followData({ session, signal }: Watched, path: string): readonly string[] {
  const found: string[] = [];
  const following = async () => {
    for await (const data of session.data(path, signal)) found.push(String(data));
  };
  void following();
  return found;
}

test('who follows before there is a connection asks once', async () => {
  await using writer = await openSession({ hosts: [server.hosts] });
  await writer.session.makePath('/early');
  await writer.session.create('/early/a', Buffer.from('1'), 'persistent');
  await using watched = startSession({ hosts: [server.hosts] });
  const lists = follow(watched, '/early');
  const data = followData(watched, '/early');
  await eventually(() => expect([lists, data]).toEqual([[['a=1']], ['']]));
  const asked = async () => [await count(watched, 'list'), await count(watched, 'look at')];
  expect(await asked()).toEqual([1, 1]);
  await writer.session.create('/early/b', Buffer.from('2'), 'persistent');
  await eventually(() => expect(lists.at(-1)).toEqual(['a=1', 'b=2']));
  await writer.session.set('/early', Buffer.from('own'));
  await eventually(() => expect(data.at(-1)).toBe('own'));
});

test('a first connection that is cut within the first answers leaves no watch behind', async () => {
  await using writer = await openSession({ hosts: [server.hosts] });
  const { session } = writer;
  for (const bytes of [10, 41, 60, 90, 130, 150, 180, 230, 280, 330, 380, 430, 480]) {
    const path = `/cut-after-${bytes}`;
    await session.makePath(path);
    await session.set(path, Buffer.from('own'));
    await session.create(`${path}/a`, Buffer.from('1'), 'persistent');
    await using relay = await startRelay(server.port);
    relay.cutWithin(bytes);
    await using watched = startSession({ hosts: [relay.hosts], timeout: 4_000 });
    const lists = follow(watched, path);
    const data = followData(watched, path);
    await eventually(() => expect([lists.at(-1), data.at(-1)]).toEqual([['a=1'], 'own']));
    await eventually(() => expect(relay.connections).toBe(2));
    await watched.reaches('connected');
    await session.set(path, Buffer.from('new'));
    await session.set(`${path}/a`, Buffer.from('2'));
    await session.create(`${path}/b`, Buffer.from('3'), 'persistent');
    await eventually(() => expect([lists.at(-1), data.at(-1)]).toEqual([['a=2', 'b=3'], 'new']));
  }
});
