import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createMetrics, silentLog } from '@smartstack/daemon';
import { createRegistries, type EtcdSection, etcdSchema } from '@smartstack/registry';
import { expect, test } from 'vitest';

import { startAuthority } from '../../support/certificates.ts';
import { startRelay } from '../../support/relay.ts';
import { createScratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { type Member, startCluster } from './cluster.ts';
import { createViews, path, web } from './views.ts';

const deps = { log: silentLog, metrics: createMetrics() };

/** The registry of a daemon that has this section. */
function openBy(section: Partial<EtcdSection>) {
  const etcd = etcdSchema.parse(section);
  const registries = createRegistries({ etcd, ...deps });
  return { registries, registry: registries.openEtcd(etcd.endpoints) };
}

test('TLS and a certificate of our own, which is read again once it is replaced', async () => {
  await using authority = await startAuthority();
  await using stranger = await startAuthority('stranger');
  await using scratch = await createScratch();
  const server = await authority.issue('server', 'DNS:etcd.test', 'IP:127.0.0.1');
  const client = await authority.issue('client');
  const unknown = await stranger.issue('unknown');
  const [ca, pem] = [authority.file, server.store];
  await using cluster = await startCluster({
    scheme: 'https',
    args: [
      ...[`--cert-file=${pem}`, `--key-file=${pem}`],
      ...['--client-cert-auth', `--trusted-ca-file=${ca}`],
    ],
    ctlArgs: [`--cacert=${ca}`, `--cert=${client.store}`, `--key=${client.store}`],
  });
  await using relay = await startRelay(cluster.members[0]?.port ?? 0);
  const own = join(scratch.directory, 'own.pem');
  await copyFile(unknown.store, own);
  await using views = createViews();
  const tls = { ca, cert: own, key: own, server_name: 'etcd.test', insecure: false };
  const { registries, registry } = openBy({ endpoints: [relay.hosts], tls });
  await using _ = registries;
  const seen = views.follow(registry);
  await until(() => seen.troubles.length > 0);
  expect(seen.lists).toEqual([]);

  await copyFile(client.store, own);
  await seen.has();
  await registry.announce(path, web(1), views.signal);
  await seen.has(1);
  // A bad one changes nothing: the last good is used.
  await writeFile(own, 'junk');
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  relay.cut();
  await until(() => registry.announce(path, web(2), views.signal));
  await seen.has(1, 2);
  expect(await cluster.keys()).toHaveLength(2);

  const other = openBy({
    endpoints: [...cluster.endpoints],
    tls: { ca: stranger.file, insecure: false },
  });
  await using __ = other.registries;
  const distrusting = views.follow(other.registry);
  const [reason] = await until(() => distrusting.troubles.length > 0 && distrusting.troubles);
  expect(reason).toMatch(/^cannot connect at https:\S+: .*certificate/);
  expect(distrusting.lists).toEqual([]);
});

test('a user with a password, whose token is asked for again when etcd has forgotten it', async () => {
  await using scratch = await createScratch();
  await using cluster = await startCluster({ args: ['--auth-token-ttl=1'] });
  const [member] = cluster.members as readonly [Member];
  for (const command of [
    ['user', 'add', 'root:top'],
    ['user', 'grant-role', 'root', 'root'],
    ['role', 'add', 'stack'],
    ['role', 'grant-permission', 'stack', 'readwrite', '/services/', '--prefix'],
    ['user', 'add', 'smart:secret'],
    ['user', 'grant-role', 'smart', 'stack'],
    ['auth', 'enable'],
  ])
    await cluster.ctl(...command);
  const file = join(scratch.directory, 'password');
  await writeFile(file, 'wrong\n');
  await using views = createViews();
  const { registries, registry } = openBy({
    endpoints: [...cluster.endpoints],
    user: 'smart',
    password_file: file,
  });
  await using _ = registries;
  const seen = views.follow(registry);
  await until(() => seen.troubles.length > 0);
  expect(seen.troubles[0]).toContain('invalid user ID or password');
  await writeFile(file, 'secret\n');
  await seen.has();
  await registry.announce(path, web(1), views.signal);
  await seen.has(1);

  // A server that starts again knows no tokens.
  await member.kill();
  member.start();
  await until(() => registry.announce(path, web(2), views.signal));
  await seen.has(1, 2);

  const denied = views.follow(registry, '/secrets');
  await until(() => denied.troubles.length > 0);
  expect(denied.troubles[0]).toContain('permission denied');
  await expect(registry.announce('/secrets', web(9), views.signal)).rejects.toThrow(
    /^cannot write \/secrets\/\S+ at \S+: etcdserver: permission denied$/,
  );
  await registry.announce(path, web(3), views.signal);
  await seen.has(1, 2, 3);

  // On a stream whose token has expired, no other path could be watched.
  const reader = openBy({ endpoints: [...cluster.endpoints], user: 'smart', password: 'secret' });
  await using ___ = reader.registries;
  const first = views.follow(reader.registry);
  await first.has(1, 2, 3);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  const second = views.follow(reader.registry, '/services/other');
  await second.has();
  await registry.announce('/services/other', web(4), views.signal);
  await registry.announce(path, web(4), views.signal);
  await second.has(4);
  await first.has(1, 2, 3, 4);

  const nobody = openBy({ endpoints: [...cluster.endpoints] });
  await using __ = nobody.registries;
  const unnamed = views.follow(nobody.registry);
  await until(() => unnamed.troubles.length > 0);
  expect(unnamed.troubles[0]).toContain('user name is empty');
});
