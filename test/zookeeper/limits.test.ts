import { afterAll, beforeAll, expect, test } from 'vitest';

import { startRelay } from '../support/relay.ts';
import { eventually, follow, openSession } from '../support/session.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper.ts';

let server: ZooKeeper;
beforeAll(async () => {
  server = await startZooKeeper();
});
afterAll(() => server[Symbol.asyncDispose]());

test('no more operations are on the wire than the limit, and all are answered', async () => {
  await using relay = await startRelay(server.port);
  await using watched = await openSession({ hosts: [relay.hosts], inFlight: 8, timeout: 20_000 });
  relay.silence();
  const before = relay.sent;
  const reads = Array.from({ length: 1_000 }, () => watched.session.exists('/zookeeper'));
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(relay.sent).toBe(before);
  relay.resume();
  expect((await Promise.all(reads)).filter(Boolean)).toHaveLength(1_000);
});

test('reads keep to their budget, and writes need not wait for them', async () => {
  const readBudget = { perSecond: 100, burst: 10 };
  await using watched = await openSession({ hosts: [server.hosts], readBudget });
  const { session } = watched;
  const since = performance.now();
  let written = 0;
  const reads = Array.from({ length: 60 }, () => session.get('/zookeeper'));
  const write = session.create('/beside', Buffer.alloc(0), 'persistent').then(() => {
    written = performance.now() - since;
  });
  await Promise.all([...reads, write]);
  expect(performance.now() - since).toBeGreaterThan(450);
  expect(written).toBeLessThan(300);
});

test('a budget slower than the session timeout delays a cold read and does not fail it', async () => {
  await using writer = await openSession({ hosts: [server.hosts] });
  await writer.session.makePath('/slow');
  for (let n = 0; n < 40; n++)
    await writer.session.create(`/slow/${n}`, Buffer.from('1'), 'persistent');
  await using watched = await openSession({
    hosts: [server.hosts],
    timeout: 1_000,
    readBudget: { perSecond: 20, burst: 1 },
  });
  const lists = follow(watched, '/slow');
  await eventually(() => expect(lists[0]).toHaveLength(40));
  expect(lists).toHaveLength(1);
});

test('operations that gave up during an outage are not kept', async () => {
  await using relay = await startRelay(server.port);
  await using watched = await openSession({ hosts: [relay.hosts], timeout: 20_000 });
  relay.silence();
  relay.cut();
  await watched.reaches('suspended');
  for (let round = 0; round < 20; round++) {
    const gone = AbortSignal.timeout(5);
    const all = Array.from({ length: 500 }, () => watched.session.get('/', { signal: gone }));
    const codes = await Promise.all(all.map((one) => one.catch(({ code }) => code)));
    expect(new Set(codes)).toEqual(new Set(['ABORTED']));
  }
  const before = relay.sent;
  relay.resume();
  await watched.reaches('connected');
  await watched.session.get('/');
  expect(relay.sent - before).toBeLessThan(500);
});
