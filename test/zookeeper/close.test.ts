import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startRelay } from '../support/relay.ts';
import { eventually, openSession, startSession } from '../support/session.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper.ts';

let server: ZooKeeper;
beforeAll(async () => {
  server = await startZooKeeper();
});
afterAll(() => server[Symbol.asyncDispose]());

async function timed(action: Promise<unknown>): Promise<number> {
  const since = performance.now();
  await action;
  return performance.now() - since;
}

test('close at any moment from 0 to 50 ms after connect, ten times, ends within 2 s and leaves no connection', async () => {
  for (let round = 0; round < 10; round++)
    for (const delay of [0, 1, 2, 4, 8, 15, 25, 50]) {
      await using watched = startSession({ hosts: [server.hosts] });
      const waiting = watched.session.get('/').catch((error) => error.code);
      if (delay > 0) await sleep(delay);
      expect(await timed(watched.session.close())).toBeLessThan(2_000);
      expect(watched.session.state).toBe('closed');
      expect([undefined, 'CLOSED']).toContain(
        await Promise.race([waiting.then((code) => (typeof code === 'string' ? code : undefined))]),
      );
    }
  await eventually(async () => {
    const clients = (await server.fourLetter('cons'))
      .split('\n')
      .filter((line) => /sid=/.test(line));
    expect(clients).toEqual([]);
  });
});

test('close ends the session and its ephemeral nodes at once', async () => {
  await using other = await openSession({ hosts: [server.hosts] });
  const watched = await openSession({ hosts: [server.hosts], timeout: 60_000 });
  await watched.session.ephemeral({ path: '/leaving', data: Buffer.from('1') }, watched.signal);
  await watched.session.close();
  expect(await other.session.exists('/leaving')).toBeUndefined();
  await watched.session.close();
});

describe('a close never takes longer than 2 s', () => {
  test('when there is no server', async () => {
    const { session } = startSession({ hosts: ['127.0.0.1:1'] });
    expect(await timed(session.close())).toBeLessThan(2_000);
  });

  test('when the server hangs before the handshake', async () => {
    await using relay = await startRelay(server.port);
    relay.silence();
    const { session } = startSession({ hosts: [relay.hosts] });
    await eventually(() => expect(relay.connections).toBe(1));
    expect(await timed(session.close())).toBeLessThan(2_000);
  });

  test('when the server went silent under an ephemeral node', async () => {
    await using relay = await startRelay(server.port);
    const watched = await openSession({ hosts: [relay.hosts] });
    await watched.session.ephemeral({ path: '/quiet', data: Buffer.from('1') }, watched.signal);
    relay.silence();
    expect(await timed(watched.session.close())).toBeLessThan(2_000);
  });
});

test('a close during a short interruption still takes the ephemeral nodes away', async () => {
  await using relay = await startRelay(server.port);
  await using other = await openSession({ hosts: [server.hosts] });
  const watched = await openSession({ hosts: [relay.hosts], timeout: 60_000 });
  await watched.session.ephemeral({ path: '/cutoff', data: Buffer.from('1') }, watched.signal);
  relay.cut();
  await watched.reaches('suspended');
  await watched.session.close();
  expect(await other.session.exists('/cutoff')).toBeUndefined();
});
