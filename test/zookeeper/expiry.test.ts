import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { startRelay } from '../support/relay.ts';
import { eventually, follow, metric, openSession } from '../support/session.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper.ts';

let server: ZooKeeper;
beforeAll(async () => {
  server = await startZooKeeper();
});
afterAll(() => server[Symbol.asyncDispose]());

/** Resolves once the server no longer knows the session, and its nodes are gone. */
const expired = (id: string | undefined) =>
  eventually(async () => expect(await server.hasSession(id)).toBe(false), 10_000);

test('operations on their way when the session expires are all settled, and the session goes on as a new one', async () => {
  await using relay = await startRelay(server.port);
  await using watched = await openSession({ hosts: [relay.hosts], timeout: 1_000 });
  const { session } = watched;
  const { id } = session;
  relay.silence();
  const write = session.create('/in-flight', Buffer.alloc(0), 'persistent', { deadline: 30_000 });
  const read = session.exists('/', { deadline: 30_000 });
  const lostWrite = expect(write).rejects.toMatchObject({
    code: 'CONNECTION_LOSS',
    outcome: 'unknown',
  });
  await watched.reaches('suspended');
  const queued = session.create('/queued', Buffer.alloc(0), 'persistent', { deadline: 30_000 });
  await lostWrite;
  await expired(id);
  relay.resume();
  expect(await queued).toBe('/queued');
  expect(await read).toBeDefined();
  expect(session.id).not.toBe(id);
  expect(await metric(watched.metrics, 'zookeeper_sessions_lost_total')).toBe(1);
});

test('after an expiry ephemeral nodes and child lists stand again, with no call from the user', async () => {
  await using relay = await startRelay(server.port);
  await using other = await openSession({ hosts: [server.hosts] });
  await using watched = await openSession({ hosts: [relay.hosts], timeout: 1_000 });
  const { session, signal } = watched;
  const { id } = session;
  await session.ephemeral({ path: '/again/fixed', data: Buffer.from('f') }, signal);
  const data = Buffer.from('n');
  const numbered = await session.ephemeral({ path: '/again/n_', data, sequential: true }, signal);
  const lists = follow(watched, '/again');
  await eventually(() => expect(lists.at(-1)).toHaveLength(2));
  const first = numbered.path;
  relay.silence();
  await expired(id);
  expect((await other.session.list('/again')).names).toEqual([]);
  relay.resume();
  await eventually(async () => expect((await other.session.list('/again')).names).toHaveLength(2));
  expect(numbered.path).not.toBe(first);
  await eventually(() =>
    expect(lists.at(-1)).toEqual(['fixed=f', `${numbered.path.slice('/again/'.length)}=n`]),
  );
  expect(watched.states).toEqual(expect.arrayContaining(['suspended', 'lost']));
});

test('a server that was down longer than the session timeout gets its session back', async () => {
  await using own = await startZooKeeper();
  await using watched = await openSession({ hosts: [own.hosts], timeout: 3_000 });
  const { session, signal } = watched;
  await session.ephemeral({ path: '/kept', data: Buffer.from('1') }, signal);
  const { id } = session;
  const node = await session.exists('/kept');
  await own.stop();
  await watched.reaches('suspended');
  await eventually(() => expect(watched.states).toContain('lost'));
  await own.start();
  await watched.reaches('connected');
  expect(session.id).toBe(id);
  expect((await session.exists('/kept'))?.czxid).toBe(node?.czxid);
});

test('an ensemble that came back empty gets a new session, and what was announced stands there again', async () => {
  await using own = await startZooKeeper();
  await using watched = await openSession({ hosts: [own.hosts], timeout: 30_000 });
  const { session, signal } = watched;
  await session.ephemeral({ path: '/deep/er/node', data: Buffer.from('1') }, signal);
  const lists = follow(watched, '/deep/er');
  await eventually(() => expect(lists).toEqual([['node=1']]));
  for (let n = 0; n < 50; n++) await session.set('/deep', Buffer.from(`${n}`));
  const { id } = session;
  await own.stop();
  await rm(join(own.directory, 'data', 'version-2'), { recursive: true });
  await own.start();
  // Long before the timeout, after which a session counts as lost, and three, after which it is forgotten.
  await eventually(() => expect(session.id).not.toBe(id), 5_000);
  await eventually(async () =>
    expect((await session.get('/deep/er/node')).data.toString()).toBe('1'),
  );
  await eventually(() => expect(lists.at(-1)).toEqual(['node=1']));
});

test('a server that is behind what a session has seen does not end it, however often it turns it away', async () => {
  await using own = await startZooKeeper();
  await using relay = await startRelay(own.port);
  await using other = await openSession({ hosts: [own.hosts] });
  await using watched = await openSession({ hosts: [relay.hosts], timeout: 30_000 });
  const { session, signal } = watched;
  await session.ephemeral({ path: '/behind', data: Buffer.from('1') }, signal);
  const { id } = session;
  const seen = (await session.exists('/behind'))?.mzxid ?? 0n;
  relay.claimSeen(seen + 20n);
  relay.cut();
  await watched.reaches('suspended');
  await eventually(() => expect(relay.connections).toBeGreaterThan(8), 15_000);
  expect(session.state).toBe('suspended');
  for (let n = 0; n < 30; n++) await other.session.create(`/later-${n}`, Buffer.of(), 'persistent');
  await watched.reaches('connected');
  expect(session.id).toBe(id);
  expect(watched.states).not.toContain('lost');
});

test('four seconds of a blocked event loop do not cost a session of six', async () => {
  await using watched = await openSession({ hosts: [server.hosts], timeout: 6_000 });
  const { session, signal } = watched;
  await session.ephemeral({ path: '/blocked', data: Buffer.from('1') }, signal);
  const { id } = session;
  await sleep(500);
  block(4_000);
  await session.get('/blocked');
  await sleep(2_500);
  expect(session.id).toBe(id);
  expect(watched.states.filter((state) => state === 'suspended')).toEqual([]);
});

test('four seconds of a blocked event loop under a session of one end with a new session and the node', async () => {
  await using watched = await openSession({ hosts: [server.hosts], timeout: 1_000 });
  const { session, signal } = watched;
  await session.ephemeral({ path: '/blocked', data: Buffer.from('1') }, signal);
  const { id } = session;
  block(4_000);
  await eventually(() => expect(session.id).not.toBe(id));
  await eventually(async () => expect((await session.get('/blocked')).data.toString()).toBe('1'));
});

test('a client that was stopped beyond its timeout announces again once it goes on', async () => {
  await using watched = await openSession({ hosts: [server.hosts] });
  const lists = follow(watched, '/');
  const path = '/stopped-client';
  const program = new URL('../support/zookeeper-client.ts', import.meta.url).pathname;
  const args = ['--conditions=source', '--import', 'tsx', program, server.hosts, '1000', path];
  const client = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => client.once('close', resolve));
  let output = '';
  client.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const announced = `stopped-client=${client.pid}`;
  try {
    await eventually(() => expect(lists.at(-1)).toContain(announced), 20_000);
    // Others see the node before the client hears that it stands, and shows its states.
    await eventually(() => expect(output).toMatch(/connected\n$/));
    client.kill('SIGSTOP');
    await eventually(() => expect(lists.at(-1)).not.toContain(announced));
    client.kill('SIGCONT');
    await eventually(() => expect(lists.at(-1)).toContain(announced));
    await eventually(() =>
      expect(output).toMatch(/connected\nsuspended\n(lost\n)?(connecting\n)?connected\n$/),
    );
    client.kill('SIGTERM');
    expect(await ended).toBe(0);
    await eventually(() => expect(lists.at(-1)).not.toContain(announced));
  } finally {
    client.kill('SIGKILL');
  }
});

function block(milliseconds: number) {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}
