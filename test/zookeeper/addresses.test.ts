import { expect, test } from 'vitest';

import { freePort } from '../support/ports.ts';
import { openSession } from '../support/session.ts';
import { startZooKeeper } from '../support/zookeeper.ts';

test('IPv6 addresses, in brackets or bare, work as IPv4 ones do', async () => {
  await using server = await startZooKeeper({ address: '::1' });
  await using watched = await openSession({ hosts: [server.hosts], chroot: '/six' });
  expect(watched.session.server).toBe(`[::1]:${server.port}`);
  await watched.session.create('/a', Buffer.from('1'), 'persistent');
});

test('a name is resolved', async () => {
  await using server = await startZooKeeper();
  await using watched = await openSession({ hosts: [`localhost:${server.port}`] });
  expect(watched.session.server).toBe(`localhost:${server.port}`);
});

test('a name that cannot be resolved, and a host that refuses, do not hinder the others', async () => {
  await using server = await startZooKeeper();
  const hosts = ['no-such-host.invalid:2181', `127.0.0.1:${await freePort()}`, server.hosts];
  await using watched = await openSession({ hosts });
  expect(watched.session.server).toBe(server.hosts);
});
