import { writeFile } from 'node:fs/promises';

import { connect } from '@smartstack/zookeeper';
import { execa } from 'execa';
import { expect, test } from 'vitest';

import { startAuthority } from '../support/certificates.ts';
import { startCopy } from '../support/copies.ts';
import { commandOf } from '../support/daemon.ts';
import { createScratch } from '../support/scratch.ts';
import { createStage } from '../support/stage.ts';
import { until } from '../support/until.ts';
import { startSecureZooKeeper } from '../support/zookeeper-tls.ts';

test('mutual TLS, digest credentials and access control hold the whole way, and no log has the password', async () => {
  await using authority = await startAuthority();
  const server = await authority.issue('server', 'IP:127.0.0.1');
  const client = await authority.issue('client');
  await using zookeeper = await startSecureZooKeeper(authority, server);
  await using secrets = await createScratch();
  await writeFile(secrets.path('password'), 'correct horse\n', { mode: 0o600 });
  await writeFile(secrets.path('cert'), client.cert);
  await writeFile(secrets.path('key'), client.key);
  await using stage = await createStage({
    zookeeper: {
      hosts: [`127.0.0.1:${zookeeper.securePort}`],
      auth: { user: 'smartstack', password_file: secrets.path('password') },
      acl: [
        { scheme: 'auth', permissions: ['read', 'write', 'create', 'delete', 'admin'] },
        { scheme: 'world', id: 'anyone', permissions: ['read'] },
      ],
      tls: { ca: authority.file, cert: secrets.path('cert'), key: secrets.path('key') },
    },
  });
  await using copy = await startCopy('web-1');
  const nerve = await stage.nerve([copy]);
  const synapse = await stage.synapse();
  await until(async () => (await stage.rotation()).length === 1);

  await using stranger = connect({ hosts: [zookeeper.hosts] });
  const { names } = await stranger.list('/services/web');
  expect(names).toHaveLength(1);
  await expect(stranger.remove(`/services/web/${names[0]}`)).rejects.toMatchObject({
    code: 'NO_AUTH',
  });
  const said = JSON.stringify([nerve.log, synapse.log]);
  expect(said).toContain('announced');
  expect(said).not.toContain('correct horse');
});

test.each(['nerve', 'synapse'] as const)(
  '%s names a ZooKeeper file that it cannot read',
  async (name) => {
    await using scratch = await createScratch();
    const file = scratch.path('config.yaml');
    await writeFile(
      file,
      `${name === 'nerve' ? 'instance_id: a\n' : ''}services: {}\nzookeeper: {hosts: [a], tls: {ca: /nowhere/ca.pem}}\n`,
    );
    const { exitCode, stderr } = await execa(commandOf(name), ['-c', file], {
      reject: false,
      timeout: 10_000,
    });
    expect(stderr).toContain('cannot read /nowhere/ca.pem for ZooKeeper: ENOENT');
    expect(exitCode).toBe(1);
  },
);
