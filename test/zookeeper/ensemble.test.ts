import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { type Session, ZooKeeperError } from '@smartstack/zookeeper';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { type Network, startNetwork } from '../support/network.ts';
import { eventually, follow, openSession, type Watched } from '../support/session.ts';
import { type Ensemble, startEnsemble, type ZooKeeper } from '../support/zookeeper.ts';

const timeout = 10_000;
let network: Network;
let ensemble: Ensemble;

/** The third server lives in a network of its own, which can be cut off; all three are joined by it. */
beforeAll(async () => {
  network = await startNetwork();
  ensemble = await startEnsemble(3, (index) =>
    index === 2 ? { address: network.address, prefix: network.prefix } : { address: network.here },
  );
});
afterAll(async () => {
  await ensemble[Symbol.asyncDispose]();
  await network[Symbol.asyncDispose]();
});

const hosts = () => ensemble.hosts.split(',');

/** Waits until every server is in the ensemble again. */
async function whole() {
  await Promise.all(ensemble.servers.map((server) => server.ready()));
}

test('a rolling restart keeps the session and its ephemeral nodes', async () => {
  await using watched = await openSession({ hosts: hosts(), timeout });
  await using other = await openSession({ hosts: hosts(), timeout });
  const { session, signal } = watched;
  await session.ephemeral({ path: '/rolling/a', data: Buffer.from('1') }, signal);
  const { id } = session;
  const node = await session.exists('/rolling/a');
  const lists = follow(other, '/rolling');
  await eventually(() => expect(lists).toEqual([['a=1']]));
  for (const server of ensemble.servers) {
    await server.stop();
    await server.start();
    await whole();
  }
  await watched.reaches('connected');
  expect(session.id).toBe(id);
  expect((await session.exists('/rolling/a'))?.czxid).toBe(node?.czxid);
  expect(watched.states).not.toContain('lost');
  // The child lists survived too, and the reader was never told of a change.
  expect(lists).toEqual([['a=1']]);
  await session.create('/rolling/b', Buffer.from('2'), 'persistent');
  await eventually(() => expect(lists.at(-1)).toEqual(['a=1', 'b=2']));
});

test('a leader killed with -9 costs neither the session nor a watch', async () => {
  await using watched = await openSession({ hosts: hosts(), timeout });
  const { session, signal } = watched;
  await session.ephemeral({ path: '/killed/a', data: Buffer.from('1') }, signal);
  const lists = follow(watched, '/killed');
  await eventually(() => expect(lists).toEqual([['a=1']]));
  const { id } = session;
  const leader = await ensemble.leader();
  await leader.kill('SIGKILL');
  await insist(session, '/killed/b', '2');
  await eventually(async () => expect(await session.exists('/killed/a')).toBeDefined());
  expect(session.id).toBe(id);
  await leader.start();
  await whole();
  await session.set('/killed/a', Buffer.from('3'));
  await eventually(() => expect(lists.at(-1)).toContain('a=3'));
});

test('a quorum that was lost and came back finds the same session, one ephemeral node and one reconnect', async () => {
  await using watched = await openSession({ hosts: hosts(), timeout });
  const { session, signal } = watched;
  await session.ephemeral({ path: '/quorum/a', data: Buffer.from('1') }, signal);
  const lists = follow(watched, '/quorum');
  await eventually(() => expect(lists).toHaveLength(1));
  const { id } = session;
  const two = ensemble.servers.slice(0, 2);
  await Promise.all(two.map((server) => server.stop()));
  await watched.reaches('suspended', timeout);
  const waiting = insist(session, '/quorum/b', '2');
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await Promise.all(two.map((server) => server.start()));
  await whole();
  await waiting;
  expect(session.id).toBe(id);
  await eventually(() => expect(lists.at(-1)).toEqual(['a=1', 'b=2']));
  // Nothing of the failed handshakes is sent twice: a handful of requests, not one per attempt.
  const requests = await requestsOf(ensemble.servers, id);
  expect(requests).toBeLessThan(15);
});

test('a server that is cut off in its own network is left for another one, with the session', async () => {
  const apart = ensemble.servers[2] as ZooKeeper;
  await using other = await openSession({ hosts: hosts().slice(0, 2), timeout });
  await using watched = await openOn(apart);
  const { session, signal } = watched;
  await session.ephemeral({ path: '/apart/a', data: Buffer.from('1') }, signal);
  const { id } = session;
  const lists = follow(other, '/apart');
  await eventually(() => expect(lists).toEqual([['a=1']]));
  await network.drop(apart);
  try {
    await watched.reaches('suspended', timeout);
    await watched.reaches('connected', timeout);
    expect(session.server).not.toBe(apart.hosts);
    expect(session.id).toBe(id);
    expect(lists).toEqual([['a=1']]);
  } finally {
    await network.heal(apart);
  }
  await whole();
}, 90_000);

test('an ensemble that is rebuilt from empty data has the session and its node anew long before the timeout', async () => {
  await using own = await startEnsemble(3);
  await using watched = await openSession({ hosts: own.hosts.split(','), timeout: 30_000 });
  const { session, signal } = watched;
  await session.ephemeral({ path: '/rebuilt/a', data: Buffer.from('1') }, signal);
  for (let n = 0; n < 50; n++) await session.set('/rebuilt', Buffer.from(`${n}`));
  const { id } = session;
  await Promise.all(own.servers.map((server) => server.stop()));
  for (const { directory } of own.servers)
    await rm(join(directory, 'data', 'version-2'), { recursive: true });
  await Promise.all(own.servers.map((server) => server.start()));
  await Promise.all(own.servers.map((server) => server.ready()));
  await eventually(() => expect(session.id).not.toBe(id), 5_000);
  await eventually(async () => expect((await session.get('/rebuilt/a')).data.toString()).toBe('1'));
}, 90_000);

/** Opens sessions until one is on this server. */
async function openOn({ hosts: wanted }: ZooKeeper): Promise<Watched> {
  for (;;) {
    const watched = await openSession({ hosts: hosts(), timeout });
    if (watched.session.server === wanted) return watched;
    await watched[Symbol.asyncDispose]();
  }
}

/** Creates a node, again for as long as the outcome is unknown: what a user does whose node has to be there. */
async function insist(session: Session, path: string, data: string): Promise<void> {
  try {
    await session.create(path, Buffer.from(data), 'persistent', { deadline: 30_000 });
  } catch (error) {
    if (!(error instanceof ZooKeeperError)) throw error;
    if (error.outcome === 'unknown') await insist(session, path, data);
    else expect(error.code).toBe('NODE_EXISTS');
  }
}

/** How many requests the servers count on this session's connection. */
async function requestsOf(servers: readonly ZooKeeper[], id = ''): Promise<number> {
  const answers = await Promise.all(servers.map((server) => server.fourLetter('cons')));
  const line = answers
    .join('\n')
    .split('\n')
    .find((text) => text.includes(`sid=${id}`));
  return Number(/recved=(\d+)/.exec(line ?? '')?.[1]);
}
