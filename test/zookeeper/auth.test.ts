import { createHash } from 'node:crypto';
import { Writable } from 'node:stream';
import { inspect } from 'node:util';

import type { Acl } from '@smartstack/zookeeper';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startRelay } from '../support/relay.ts';
import { openSession, startSession } from '../support/session.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper.ts';

let server: ZooKeeper;
beforeAll(async () => {
  server = await startZooKeeper();
});
afterAll(() => server[Symbol.asyncDispose]());

const password = 'correct-horse';
const auth = { scheme: 'digest', user: 'nerve', password } as const;
const everything = ['read', 'write', 'create', 'delete', 'admin'] as const;
const acl: readonly Acl[] = [{ scheme: 'auth', id: '', permissions: everything }];

test('credentials go before the operations that waited for the connection, on every connection', async () => {
  await using relay = await startRelay(server.port);
  await using watched = startSession({ hosts: [relay.hosts], auth, acl });
  const { session } = watched;
  await session.create('/mine', Buffer.from('1'), 'persistent');
  await using other = await openSession({ hosts: [server.hosts] });
  await expect(other.session.get('/mine')).rejects.toMatchObject({ code: 'NO_AUTH' });
  for (let round = 0; round < 3; round++) {
    relay.cut();
    expect((await session.get('/mine')).data.toString()).toBe('1');
  }
});

test('nodes carry the given access control list', async () => {
  const digest = createHash('sha1').update('reader:secret').digest('base64');
  await using watched = await openSession({
    hosts: [server.hosts],
    auth,
    acl: [...acl, { scheme: 'digest', id: `reader:${digest}`, permissions: ['read'] }],
  });
  const { session, signal } = watched;
  await session.ephemeral({ path: '/guarded/a', data: Buffer.from('1') }, signal);
  await using reader = await openSession({
    hosts: [server.hosts],
    auth: { scheme: 'digest', user: 'reader', password: 'secret' },
  });
  expect((await reader.session.get('/guarded/a')).data.toString()).toBe('1');
  const write = reader.session.set('/guarded/a', Buffer.from('2'));
  await expect(write).rejects.toMatchObject({ code: 'NO_AUTH', outcome: 'failed' });
});

test('an ephemeral node below a parent that forbids it is refused, with a reason', async () => {
  await using owner = await openSession({ hosts: [server.hosts], auth, acl });
  await owner.session.create('/closed', Buffer.alloc(0), 'persistent');
  await using other = await openSession({ hosts: [server.hosts] });
  const failure = other.session.ephemeral(
    { path: '/closed/a', data: Buffer.alloc(0) },
    other.signal,
  );
  await expect(failure).rejects.toMatchObject({
    code: 'NO_AUTH',
    message: 'cannot create /closed/a: no auth',
  });
});

test('children that may not be read are left out, the rest stands', async () => {
  await using owner = await openSession({ hosts: [server.hosts], auth, acl });
  await using other = await openSession({ hosts: [server.hosts] });
  await other.session.makePath('/mixed');
  await other.session.create('/mixed/open', Buffer.from('1'), 'persistent');
  await owner.session.create('/mixed/shut', Buffer.from('2'), 'persistent');
  for await (const children of other.session.children('/mixed', other.signal)) {
    expect(children.map(({ name }) => name)).toEqual(['open']);
    break;
  }
});

test('no password is in a log, an error or what the session shows of itself', async () => {
  const lines: string[] = [];
  const { pino } = await import('pino');
  const log = pino(
    { level: 'trace' },
    new Writable({
      write(chunk, _encoding, done) {
        lines.push(String(chunk));
        done();
      },
    }),
  );
  await using relay = await startRelay(server.port);
  await using watched = await openSession({ hosts: [relay.hosts], auth, acl, log });
  const { session, metrics, signal } = { ...watched, session: watched.session };
  await session.ephemeral({ path: '/quiet', data: Buffer.from('1') }, signal);
  relay.cut();
  await watched.reaches('connected');
  const error = await session.get('/none').catch((reason) => reason);
  const handed = await session.handOff();
  const secrets = [password, Buffer.from(`nerve:${password}`).toString('base64'), handed.password];
  const shown = [
    ...lines,
    inspect(error, { depth: 9 }),
    inspect(session),
    (await metrics.text()).body,
  ];
  expect(lines.length).toBeGreaterThan(2);
  for (const secret of secrets) expect(shown.join('\n')).not.toContain(secret);
});
