import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { eventually, follow, metric, openSession, startSession } from '../support/session.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper.ts';

let server: ZooKeeper;
beforeAll(async () => {
  server = await startZooKeeper();
});
afterAll(() => server[Symbol.asyncDispose]());

let count = 0;
/** A session in a chroot of its own. */
const open = (options = {}) =>
  openSession({ hosts: [server.hosts], chroot: `/test-${count++}`, ...options });

test('a new session can be noted before anything of it is sent, and goes on where that fails', async () => {
  const order: string[] = [];
  let noting = () => {};
  const noted = new Promise<void>((resolve) => {
    noting = resolve;
  });
  await using watched = startSession({
    hosts: [server.hosts],
    chroot: `/test-${count++}`,
    onSession: async () => {
      order.push('session');
      await noted;
      order.push('noted');
      throw new Error('disk is full');
    },
  });
  const { session } = watched;
  const made = session.makePath('/a').then(() => order.push('made'));
  await eventually(() => expect(order).toEqual(['session']));
  expect(session.ticket()).toBeDefined();
  expect(order).toEqual(['session']);
  noting();
  await made;
  expect(order).toEqual(['session', 'noted', 'made']);
});

describe('operations', () => {
  test('create, read, change, list and remove nodes', async () => {
    await using watched = await open();
    const { session } = watched;
    await session.makePath('/a/b');
    expect(await session.create('/a/b/c', Buffer.from('one'), 'persistent')).toBe('/a/b/c');
    expect((await session.get('/a/b/c')).data.toString()).toBe('one');
    const stat = await session.set('/a/b/c', Buffer.from('two'), { version: 0 });
    expect(stat.version).toBe(1);
    expect((await session.list('/a/b')).names).toEqual(['c']);
    expect((await session.exists('/a/b'))?.childrenCount).toBe(1);
    await session.remove('/a/b/c');
    expect(await session.exists('/a/b/c')).toBeUndefined();
  });

  test('sequential nodes get a number each, and the path says which', async () => {
    await using watched = await open();
    const make = () => watched.session.create('/n-', Buffer.alloc(0), 'persistent_sequential');
    expect(await make()).toBe('/n-0000000000');
    expect(await make()).toBe('/n-0000000001');
  });

  test.for([
    ['get', '/none', 'NO_NODE', 'cannot get /none: no node'],
    ['get', 'none', 'BAD_ARGUMENTS', 'cannot get none: a path starts with /'],
    ['list', '/none/', 'BAD_ARGUMENTS', 'cannot list /none/: a path does not end with /'],
    ['remove', '/a/../b', 'BAD_ARGUMENTS', 'cannot remove /a/../b: a path has no relative names'],
  ] as const)('%s %s is refused with %s', async ([operation, path, code, message]) => {
    await using watched = await open();
    const failure = watched.session[operation](path);
    await expect(failure).rejects.toMatchObject({ code, message, path, outcome: 'failed' });
  });

  test('version 0 is a version and not "any"', async () => {
    await using watched = await open();
    const { session } = watched;
    await session.create('/v', Buffer.from('0'), 'persistent');
    await session.set('/v', Buffer.from('1'));
    const failure = session.set('/v', Buffer.from('2'), { version: 0 });
    await expect(failure).rejects.toMatchObject({ code: 'BAD_VERSION' });
    await expect(session.remove('/v', { version: 0 })).rejects.toMatchObject({
      code: 'BAD_VERSION',
    });
  });

  test('data that the server would drop the connection for is refused beforehand', async () => {
    await using watched = await open();
    const failure = watched.session.create('/big', Buffer.alloc(1_048_576), 'persistent');
    await expect(failure).rejects.toMatchObject({ code: 'BAD_ARGUMENTS' });
    expect(watched.session.state).toBe('connected');
  });

  test('an empty node and one without data read as empty', async () => {
    await using watched = await open();
    await watched.session.create('/e', Buffer.alloc(0), 'persistent');
    expect((await watched.session.get('/e')).data).toEqual(Buffer.alloc(0));
  });

  test('makePath touches only what is missing', async () => {
    await using watched = await open();
    const { session } = watched;
    await Promise.all([session.makePath('/p/q/r'), session.makePath('/p/q/s')]);
    const before = await session.exists('/p/q');
    await session.makePath('/p/q/r');
    expect((await session.exists('/p/q'))?.mzxid).toBe(before?.mzxid);
  });
});

describe('deadlines and signals', () => {
  test('an operation waits for a connection up to its deadline, and says why there is none', async () => {
    await using watched = startSession({ hosts: ['127.0.0.1:1'] });
    const failure = watched.session.get('/a', { deadline: 200 });
    await expect(failure).rejects.toMatchObject({
      code: 'OPERATION_TIMEOUT',
      outcome: 'failed',
      message: expect.stringMatching(
        /^cannot get \/a: not connected within 200 ms \(.*ECONNREFUSED/,
      ),
    });
  });

  test('an aborted operation rejects at once', async () => {
    await using watched = startSession({ hosts: ['127.0.0.1:1'] });
    const reason = new Error('enough');
    const failure = watched.session.get('/a', { signal: AbortSignal.abort(reason) });
    await expect(failure).rejects.toMatchObject({ code: 'ABORTED', cause: reason });
  });

  test('a closed session rejects what waits and what comes later', async () => {
    await using watched = startSession({ hosts: ['127.0.0.1:1'] });
    const waiting = expect(watched.session.get('/a')).rejects.toMatchObject({ code: 'CLOSED' });
    await watched.session.close();
    await waiting;
    await expect(watched.session.get('/a')).rejects.toMatchObject({ code: 'CLOSED' });
    expect(watched.session.state).toBe('closed');
  });
});

describe('children', () => {
  test('the full list comes first, then every change', async () => {
    await using watched = await open();
    const { session } = watched;
    await session.makePath('/s');
    await session.create('/s/a', Buffer.from('1'), 'persistent');
    const lists = follow(watched, '/s');
    await eventually(() => expect(lists).toEqual([['a=1']]));
    await session.create('/s/b', Buffer.from('2'), 'persistent');
    await eventually(() => expect(lists.at(-1)).toEqual(['a=1', 'b=2']));
    await session.remove('/s/a');
    await eventually(() => expect(lists.at(-1)).toEqual(['b=2']));
  });

  test('data changed in place is noticed', async () => {
    await using watched = await open();
    const { session } = watched;
    await session.makePath('/s');
    await session.create('/s/a', Buffer.from('1'), 'persistent');
    const lists = follow(watched, '/s');
    await eventually(() => expect(lists).toHaveLength(1));
    for (const data of ['2', '3']) {
      await session.set('/s/a', Buffer.from(data));
      await eventually(() => expect(lists.at(-1)).toEqual([`a=${data}`]));
    }
  });

  test('a path that does not exist is waited for, not invented; one that vanished is empty', async () => {
    await using watched = await open();
    const { session } = watched;
    const lists = follow(watched, '/later');
    await session.exists('/later');
    expect(lists).toEqual([]);
    await session.makePath('/later');
    await eventually(() => expect(lists).toEqual([[]]));
    await session.create('/later/a', Buffer.from('1'), 'persistent');
    await eventually(() => expect(lists.at(-1)).toEqual(['a=1']));
    await session.remove('/later/a');
    await session.remove('/later');
    await eventually(() => expect(lists.at(-1)).toEqual([]));
    await session.makePath('/later');
    await session.create('/later/b', Buffer.from('2'), 'persistent');
    await eventually(() => expect(lists.at(-1)).toEqual(['b=2']));
  });

  test('one change costs one list and one read per new member', async () => {
    await using reader = await open();
    const { session } = reader;
    await session.makePath('/s');
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        session.create(`/s/${n}`, Buffer.alloc(1), 'persistent'),
      ),
    );
    const lists = follow(reader, '/s');
    await eventually(() => expect(lists).toHaveLength(1));
    const cost = async () => ({
      lists: await metric(reader.metrics, 'zookeeper_operations_total', 'operation="list"'),
      reads: await metric(reader.metrics, 'zookeeper_operations_total', 'operation="get"'),
    });
    const before = await cost();
    await session.create('/s/new', Buffer.alloc(1), 'persistent');
    await eventually(() => expect(lists).toHaveLength(2));
    expect(await cost()).toEqual({ lists: before.lists + 1, reads: before.reads + 1 });
    await session.remove('/s/new');
    await eventually(() => expect(lists).toHaveLength(3));
    expect(await cost()).toEqual({ lists: before.lists + 2, reads: before.reads + 1 });
  });

  test('the iteration ends when it is aborted, and when the session is closed', async () => {
    await using watched = await open();
    const aborted = new AbortController();
    const first = watched.session.children('/a', aborted.signal)[Symbol.asyncIterator]().next();
    aborted.abort();
    expect((await first).done).toBe(true);
    const second = watched.session.children('/a', watched.signal)[Symbol.asyncIterator]().next();
    await watched.session.close();
    expect((await second).done).toBe(true);
  });
});

describe('the chroot', () => {
  test('is made when it is missing, and everything lies below it', async () => {
    await using watched = await openSession({ hosts: [server.hosts], chroot: '/deep/er/root' });
    await using outside = await openSession({ hosts: [server.hosts] });
    const path = await watched.session.create('/x', Buffer.alloc(0), 'persistent');
    expect(path).toBe('/x');
    expect(await outside.session.exists('/deep/er/root/x')).toBeDefined();
  });

  test('is made again for the next ephemeral node when someone removed it', async () => {
    await using watched = await openSession({ hosts: [server.hosts], chroot: '/brief' });
    await using outside = await openSession({ hosts: [server.hosts] });
    await outside.session.remove('/brief');
    const node = await watched.session.ephemeral(
      { path: '/s/a', data: Buffer.from('1') },
      watched.signal,
    );
    expect(node.path).toBe('/s/a');
    expect(await outside.session.exists('/brief/s/a')).toBeDefined();
  });
});

test.for([
  [{ hosts: [] }, 'cannot connect to ZooKeeper: no hosts are given'],
  [{ hosts: ['a:b'] }, 'cannot use ZooKeeper host "a:b": expected host:port'],
  [{ hosts: ['a:70000'] }, 'cannot use ZooKeeper host "a:70000": a port lies between 1 and 65535'],
  [{ hosts: ['[::1'] }, 'cannot use ZooKeeper host "[::1": expected host:port'],
  [{ hosts: ['a'], chroot: 'b' }, 'cannot use ZooKeeper chroot "b": a path starts with /'],
  [{ hosts: ['a'], timeout: 0 }, 'cannot use timeout 0: it must be above 0'],
] as const)('options %j are refused: %s', ([options, message]) => {
  expect(() => startSession(options)).toThrow(message);
});
