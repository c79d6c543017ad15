import { afterAll, beforeAll, expect, test } from 'vitest';

import { startRelay } from '../support/relay.ts';
import { eventually, follow, openSession } from '../support/session.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper.ts';

let server: ZooKeeper;
beforeAll(async () => {
  server = await startZooKeeper({ properties: { 'zookeeper.enforceQuota': 'true' } });
});
afterAll(() => server[Symbol.asyncDispose]());

test('a connection cut inside an answer does no harm to the next one, wherever the cut falls', async () => {
  await using relay = await startRelay(server.port);
  await using watched = await openSession({ hosts: [relay.hosts], timeout: 4_000 });
  const { session } = watched;
  const { id } = session;
  await session.create('/cut', Buffer.alloc(500), 'persistent');
  for (const bytes of [1, 3, 4, 5, 20, 100, 555]) {
    relay.cutWithin(bytes);
    // The read that was cut is repeated on the next connection.
    expect((await session.get('/cut')).data).toHaveLength(500);
  }
  expect(relay.connections).toBe(8);
  expect(session.id).toBe(id);
});

test('an error code that the library does not know is an error of this operation and nothing else', async () => {
  await using watched = await openSession({ hosts: [server.hosts] });
  const { session } = watched;
  await session.create('/full', Buffer.alloc(0), 'persistent');
  await session.makePath('/zookeeper/quota/full');
  const limits = Buffer.from('count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=1');
  const limit = '/zookeeper/quota/full/zookeeper_limits';
  await session.create(limit, limits, 'persistent');
  await session.create(
    '/zookeeper/quota/full/zookeeper_stats',
    Buffer.from('count=1,bytes=0'),
    'persistent',
  );
  const { server: connectedTo } = session;

  const refused = session.create('/full/more', Buffer.alloc(0), 'persistent');
  const beside = session.get('/full');
  await expect(refused).rejects.toMatchObject({
    code: 'QUOTA_EXCEEDED',
    outcome: 'failed',
    message: 'cannot create /full/more: quota exceeded',
  });
  expect((await beside).data).toEqual(Buffer.alloc(0));
  expect(watched.states.filter((state) => state === 'suspended')).toEqual([]);
  expect(session.server).toBe(connectedTo);
});

test('a byte stream that is not ZooKeeper is left, and tried again later', async () => {
  await using relay = await startRelay(server.port);
  await using watched = await openSession({ hosts: [relay.hosts] });
  const { id } = watched.session;
  relay.inject(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await eventually(() => expect(relay.connections).toBe(2));
  await watched.reaches('connected');
  expect(watched.session.id).toBe(id);
});

test('a list of names of several megabytes arrives whole', async () => {
  await using watched = await openSession({ hosts: [server.hosts], timeout: 10_000 });
  const { session } = watched;
  await session.create('/many', Buffer.alloc(0), 'persistent');
  const name = 'n'.repeat(180);
  await Promise.all(
    Array.from({ length: 10_000 }, (_, n) =>
      session.create(`/many/${name}${n}`, Buffer.alloc(0), 'persistent', { deadline: 60_000 }),
    ),
  );
  expect((await session.list('/many')).names).toHaveLength(10_000);
  const lists = follow(watched, '/many');
  await eventually(() => expect(lists[0]).toHaveLength(10_000), 30_000);
});
