import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startRelay } from '../support/relay.ts';
import { eventually, follow, openSession, startSession } from '../support/session.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper.ts';

let server: ZooKeeper;
beforeAll(async () => {
  server = await startZooKeeper();
});
afterAll(() => server[Symbol.asyncDispose]());

const open = (options = {}) => openSession({ hosts: [server.hosts], ...options });
const one = Buffer.from('1');

test('makes missing parents, and the node is ephemeral', async () => {
  await using watched = await open();
  const { session, signal } = watched;
  const node = await session.ephemeral({ path: '/p/q/node', data: one }, signal);
  expect(node.path).toBe('/p/q/node');
  expect((await session.exists('/p/q/node'))?.ephemeralOwner).not.toBe(0n);
  expect((await session.exists('/p/q'))?.ephemeralOwner).toBe(0n);
});

test('update changes the data in place, and the last of several wins', async () => {
  await using watched = await open();
  const { session, signal } = watched;
  const node = await session.ephemeral({ path: '/u/a_', data: one, sequential: true }, signal);
  const { path } = node;
  await Promise.all(['2', '3', '4'].map((data) => node.update(Buffer.from(data), signal)));
  expect(node.path).toBe(path);
  expect((await session.get(path)).data.toString()).toBe('4');
});

test('release deletes the node, and later updates are refused', async () => {
  await using watched = await open();
  const { session, signal } = watched;
  const node = await session.ephemeral({ path: '/r', data: one }, signal);
  await node.release();
  await node.release();
  expect(await session.exists('/r')).toBeUndefined();
  await expect(node.update(one, signal)).rejects.toMatchObject({ code: 'CLOSED' });
});

test('a node that someone else deletes is made again', async () => {
  await using watched = await open();
  const { session, signal } = watched;
  await session.ephemeral({ path: '/deleted', data: one }, signal);
  await session.remove('/deleted');
  await eventually(async () => expect(await session.exists('/deleted')).toBeDefined());
});

test('a persistent node in its place is not deleted for it', async () => {
  await using watched = await open();
  const { session, signal } = watched;
  await session.create('/taken', Buffer.from('precious'), 'persistent');
  const failure = session.ephemeral({ path: '/taken', data: one }, signal);
  await expect(failure).rejects.toMatchObject({ code: 'NODE_EXISTS', path: '/taken' });
  expect((await session.get('/taken')).data.toString()).toBe('precious');
});

test('an aborted one leaves nothing behind, and rejects once that is sure', async () => {
  await using relay = await startRelay(server.port);
  await using other = await open();
  await using watched = await openSession({ hosts: [relay.hosts] });
  const aborted = new AbortController();
  relay.swallowAnswers();
  const node = watched.session.ephemeral({ path: '/half', data: one }, aborted.signal);
  await eventually(async () => expect(await other.session.exists('/half')).toBeDefined());
  aborted.abort();
  const ended = node.catch((error: unknown) => error);
  expect(await Promise.race([ended, sleep(300, 'waits')])).toBe('waits');
  expect(await other.session.exists('/half')).toBeDefined();
  relay.cut();
  expect(await ended).toMatchObject({ code: 'ABORTED' });
  expect(await other.session.exists('/half')).toBeUndefined();
});

test('a node that another session keeps is made once that session has ended, and never taken from it', async () => {
  await using other = await open();
  await using relay = await startRelay(server.port);
  await using earlier = await openSession({ hosts: [relay.hosts], timeout: 4_000 });
  await earlier.session.ephemeral({ path: '/stales/a', data: Buffer.from('old') }, earlier.signal);
  const lists = follow(other, '/stales');
  await eventually(() => expect(lists).toEqual([['a=old']]));
  const { id } = earlier.session;
  relay.silence();
  await using watched = await open();
  const data = Buffer.from('new');
  const making = watched.session.ephemeral({ path: '/stales/a', data }, watched.signal);
  await eventually(async () => expect(await server.hasSession(id)).toBe(false), 20_000);
  await making;
  await eventually(() => expect(lists.at(-1)).toEqual(['a=new']));
  // Whether somebody reads in the moment between the two is a matter of luck.
  expect(lists.filter((list) => list.length > 0)).toEqual([['a=old'], ['a=new']]);
});

describe('a stale node of an earlier session', () => {
  test('with a number is replaced too when it was our own', async () => {
    await using own = await startZooKeeper();
    await using other = await openSession({ hosts: [own.hosts], timeout: 60_000 });
    await using watched = await openSession({ hosts: [own.hosts], timeout: 1_000 });
    const { session, signal } = watched;
    const wanted = { path: '/stales/n_', data: one, sequential: true };
    const node = await session.ephemeral(wanted, signal);
    const first = node.path;
    const lists = follow(other, '/stales');
    await eventually(() => expect(lists).toHaveLength(1));
    const { id } = session;
    // While a server is down, sessions do not expire there; here this one is given up.
    await own.stop();
    await eventually(() => expect(session.id).toBeUndefined(), 10_000);
    await own.start();
    await eventually(() => expect(node.path).not.toBe(first));
    await eventually(() => expect(session.id).not.toBe(id));
    await eventually(() => expect(lists.at(-1)).toEqual([`${node.path.slice(8)}=1`]));
    expect(lists.filter((list) => list.length !== 1)).toEqual([]);
  });
});

test('of two keepers of one path the second waits for the first, and neither touches the other’s node', async () => {
  await using one_ = await open();
  await using other = await open();
  const wanted = { path: '/contested', data: one };
  const first = await one_.session.ephemeral(wanted, one_.signal);
  const owner = async () => (await one_.session.exists('/contested'))?.ephemeralOwner;
  const before = await owner();
  const second = other.session.ephemeral(wanted, other.signal);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await owner()).toBe(before);
  await first.release();
  await second;
  expect(await owner()).not.toBe(before);
});

test('a lost answer to the creation of a numbered node does not make two', async () => {
  await using relay = await startRelay(server.port);
  await using other = await open();
  await using watched = await openSession({ hosts: [relay.hosts], timeout: 6_000 });
  const { session, signal } = watched;
  await session.makePath('/lost');
  relay.swallowAnswers();
  const node = session.ephemeral({ path: '/lost/n_', data: one, sequential: true }, signal);
  await eventually(async () =>
    expect((await other.session.list('/lost')).names).toEqual(['n_0000000000']),
  );
  relay.cut();
  expect((await node).path).toBe('/lost/n_0000000000');
  expect((await other.session.list('/lost')).names).toEqual(['n_0000000000']);
});

test('several numbered nodes with one name, all with a lost answer, end as so many nodes', async () => {
  await using relay = await startRelay(server.port);
  await using other = await open();
  await using watched = await openSession({ hosts: [relay.hosts], timeout: 6_000 });
  const { session, signal } = watched;
  await session.makePath('/several');
  relay.swallowAnswers();
  const nodes = ['a', 'b', 'c'].map((data) =>
    session.ephemeral({ path: '/several/n_', data: Buffer.from(data), sequential: true }, signal),
  );
  await eventually(async () =>
    expect((await other.session.list('/several')).names).toHaveLength(3),
  );
  relay.cut();
  const paths = (await Promise.all(nodes)).map(({ path }) => path);
  expect(new Set(paths).size).toBe(3);
  const found = await Promise.all(paths.map(async (path) => (await other.session.get(path)).data));
  expect(found.map(String)).toEqual(['a', 'b', 'c']);
  expect((await other.session.list('/several')).names).toHaveLength(3);
});

test('a plain create with a lost answer reports "unknown", not somebody else\'s node', async () => {
  await using relay = await startRelay(server.port);
  await using watched = await openSession({ hosts: [relay.hosts] });
  relay.swallowAnswers();
  const failure = watched.session.create('/plain', one, 'ephemeral');
  setTimeout(() => relay.cut(), 200);
  await expect(failure).rejects.toMatchObject({ code: 'CONNECTION_LOSS', outcome: 'unknown' });
});

describe('hand-off', () => {
  const wanted = { path: '/handed/n_', data: one, sequential: true };

  test('the next process takes the session over, and the nodes never move', async () => {
    await using other = await open();
    const earlier = await open({ timeout: 10_000 });
    const node = await earlier.session.ephemeral(wanted, earlier.signal);
    await earlier.session.ephemeral({ path: '/handed/gone', data: one }, earlier.signal);
    const lists = follow(other, '/handed');
    await eventually(() => expect(lists.at(-1)).toHaveLength(2));
    const count = lists.length;
    const { id } = earlier.session;

    const resume = JSON.parse(JSON.stringify(await earlier.session.handOff()));
    expect(earlier.session.state).toBe('closed');
    await using next = await open({ resume, timeout: 10_000 });
    expect(next.session.id).toBe(id);
    const taken = await next.session.ephemeral(wanted, next.signal);
    expect(taken.path).toBe(node.path);
    expect(lists).toHaveLength(count);

    await next.session.dropUnclaimed();
    await eventually(() => expect(lists.at(-1)).toEqual([`${node.path.slice(8)}=1`]));
    await taken.release();
    await eventually(() => expect(lists.at(-1)).toEqual([]));
  });

  test('a node whose creation is still on its way is handed off too', async () => {
    await using relay = await startRelay(server.port);
    await using other = await open();
    const earlier = await openSession({ hosts: [relay.hosts], timeout: 10_000 });
    await earlier.session.makePath('/under-way');
    relay.silence();
    const node = { path: '/under-way/n_', data: one, sequential: true };
    const refused = earlier.session.ephemeral(node, earlier.signal).catch(({ code }) => code);
    await sleep(50);
    const handed = earlier.session.handOff();
    setTimeout(() => relay.resume(), 100);
    const { paths } = await handed;
    expect(await refused).toBe('CLOSED');
    expect(paths).toEqual(['/under-way/n_0000000000']);
    await using next = await open({ resume: await handed, timeout: 10_000 });
    const taken = await next.session.ephemeral(node, next.signal);
    expect(taken.path).toBe('/under-way/n_0000000000');
    expect((await other.session.list('/under-way')).names).toHaveLength(1);
  });

  test('data that changed meanwhile is written, in place', async () => {
    const earlier = await open({ timeout: 10_000 });
    const node = await earlier.session.ephemeral(wanted, earlier.signal);
    await using next = await open({ resume: await earlier.session.handOff(), timeout: 10_000 });
    const data = Buffer.from('2');
    const taken = await next.session.ephemeral({ ...wanted, data }, next.signal);
    expect(taken.path).toBe(node.path);
    expect((await next.session.get(node.path)).data.toString()).toBe('2');
  });

  test('a session that expired meanwhile is followed by a fresh one', async () => {
    await using other = await open();
    const earlier = await open({ timeout: 500 });
    const node = await earlier.session.ephemeral(wanted, earlier.signal);
    const { id } = earlier.session;
    const resume = await earlier.session.handOff();
    await eventually(async () => expect(await other.session.exists(node.path)).toBeUndefined());
    await using next = await open({ resume });
    expect(next.session.id).not.toBe(id);
    const fresh = await next.session.ephemeral(wanted, next.signal);
    expect(fresh.path).not.toBe(node.path);
    expect((await other.session.list('/handed')).names).toHaveLength(1);
  });

  test('a hand-off before the first connection, and one of nonsense, give a fresh session', async () => {
    const early = startSession({ hosts: ['127.0.0.1:1'] });
    const nothing = await early.session.handOff();
    expect(nothing).toEqual({ sessionId: '', password: '', paths: [] });
    for (const resume of [nothing, { sessionId: 'x', password: '', paths: ['/no'] }]) {
      await using next = await open({ resume });
      expect(next.session.state).toBe('connected');
    }
  });
});
