import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startNetwork } from '../support/network.ts';
import { freePort } from '../support/ports.ts';
import { startRelay } from '../support/relay.ts';
import { eventually, openSession } from '../support/session.ts';
import { type Ensemble, startEnsemble, startZooKeeper } from '../support/zookeeper.ts';

const timeout = 3_000;

describe('with three servers', () => {
  let ensemble: Ensemble;
  beforeAll(async () => {
    ensemble = await startEnsemble(3);
  });
  afterAll(() => ensemble[Symbol.asyncDispose]());

  test('a stopped server is noticed within the session timeout, and the next one takes the session', async () => {
    const leader = await ensemble.leader();
    const followers = ensemble.servers.filter((one) => one !== leader).map(({ hosts }) => hosts);
    await using watched = await openSession({ hosts: followers, timeout });
    const { session } = watched;
    const { id, server } = session;
    await session.ephemeral({ path: '/stopped', data: Buffer.from('1') }, watched.signal);
    const stopped = ensemble.servers.find(({ hosts }) => hosts === server);
    await stopped?.kill('SIGSTOP');
    try {
      const since = performance.now();
      await watched.reaches('suspended', timeout);
      await watched.reaches('connected');
      expect(performance.now() - since).toBeLessThan(timeout);
      expect(session.id).toBe(id);
      expect(session.server).not.toBe(server);
      expect(watched.states).not.toContain('lost');
    } finally {
      await stopped?.kill('SIGCONT');
    }
  });

  test('a server that accepts and then says nothing does not keep the session from the others', async () => {
    const hung = createServer(() => {});
    const port = await freePort();
    await new Promise<void>((resolve) => hung.listen(port, '127.0.0.1', resolve));
    try {
      for (let round = 0; round < 3; round++) {
        const since = performance.now();
        await using watched = await openSession({
          hosts: [`127.0.0.1:${port}`, ensemble.servers[0]?.hosts ?? ''],
          timeout,
        });
        expect(watched.session.server).not.toContain(`:${port}`);
        expect(performance.now() - since).toBeLessThan(timeout);
      }
    } finally {
      hung.close();
    }
  });
});

test('dropped packets are noticed within the session timeout', async () => {
  await using network = await startNetwork();
  await using server = await startZooKeeper({ address: network.address, prefix: network.prefix });
  await using watched = await openSession({ hosts: [server.hosts], timeout });
  const pending = watched.session.get('/', { deadline: 60_000 });
  await pending;
  await network.drop(server);
  const since = performance.now();
  const asked = watched.session.get('/', { deadline: 60_000 });
  await watched.reaches('suspended', timeout);
  expect(performance.now() - since).toBeLessThan(timeout);
  await watched.reaches('lost', 2 * timeout).catch(() => watched.reaches('connecting', 1));
  await network.heal(server);
  await watched.reaches('connected', 20_000);
  // The read that was on the wire went out again by itself.
  expect((await asked).stat.ephemeralOwner).toBe(0n);
});

test('a client that only receives still pings, and keeps its session', async () => {
  await using server = await startZooKeeper();
  await using relay = await startRelay(server.port);
  await using watched = await openSession({ hosts: [relay.hosts], timeout: 1_500 });
  const { id } = watched.session;
  const until = performance.now() + 4_500;
  while (performance.now() < until) {
    relay.injectEvent('/elsewhere');
    await sleep(100);
  }
  await watched.session.get('/');
  expect(watched.session.id).toBe(id);
  expect(watched.states.filter((state) => state === 'suspended')).toEqual([]);
});

test('a relay that goes quiet is left after two thirds of the timeout, and taken again when it is back', async () => {
  await using server = await startZooKeeper();
  await using relay = await startRelay(server.port);
  await using watched = await openSession({ hosts: [relay.hosts], timeout });
  relay.silence();
  const since = performance.now();
  await watched.reaches('suspended', timeout);
  expect(performance.now() - since).toBeGreaterThan(timeout / 3);
  await eventually(() => expect(watched.states).toContain('lost'), 2 * timeout);
  relay.resume();
  await watched.reaches('connected');
});
