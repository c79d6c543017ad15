import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';

import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';

import { fetchPinned } from '../../packaging/runtime.ts';
import { createScratch, type Scratch } from '../support/scratch.ts';
import { daemons, packageOf, tarballOf, version } from './packages.ts';

let scratch: Scratch;
beforeAll(async () => {
  scratch = await createScratch();
});
afterAll(() => scratch[Symbol.asyncDispose]());

const hashOf = async (path: string) =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

test('the same sources give the same bytes, whoever builds them and when', {
  timeout: 180_000,
}, async () => {
  const program = 'node --conditions=source --import tsx packaging/main.ts';
  await execa('bash', ['-c', `umask 077; ${program} --out ${scratch.directory}`], {
    env: { TZ: 'Asia/Tokyo', LC_ALL: 'C' },
  });
  for (const daemon of daemons)
    for (const path of [await packageOf(daemon), await tarballOf(daemon)])
      expect(await hashOf(scratch.path(path.replace('dist/', ''))), path).toBe(await hashOf(path));
});

test('a Node.js that is not the pinned one is refused', async () => {
  const folder = scratch.path('node-linux-z80');
  await mkdir(folder);
  const manifest = { name: 'node-linux-z80', version: '1.0.0' };
  await writeFile(`${folder}/package.json`, JSON.stringify(manifest));
  await expect(fetchPinned(folder, 'node-linux-z80-1.0.0.tgz', 'sha512-other')).rejects.toThrow(
    /its checksum is sha512-\S+, and runtime.lock.json says sha512-other/,
  );
});

describe('the npm tarballs', () => {
  test.for(daemons)('%s installs globally, alone and without a network', async (daemon) => {
    const prefix = scratch.path(daemon);
    const args = ['--global', '--offline', '--prefix', prefix, `./${await tarballOf(daemon)}`];
    await execa('npm', ['install', ...args]);
    const program = `${prefix}/bin/${daemon}`;
    expect((await execa(program, ['--version'])).stdout).toBe(version);
    const file = `examples/vm/${daemon}.yaml`;
    const { stdout } = await execa(program, ['--check-config', '-c', file]);
    expect(stdout).toBe(`${file}: ok, 1 service`);
  });

  test('nerve has the clients of all its checks inside', async () => {
    const checks = ['postgres', 'mysql', 'rabbitmq', 'redis', 'grpc'].map((type) => ({ type }));
    const file = scratch.path('checks.yaml');
    const service = { host: '127.0.0.1', port: 1, zk_path: '/web', checks };
    const config = { instance_id: 'a', zookeeper: { hosts: ['z:1'] }, services: { web: service } };
    await writeFile(file, stringify(config));
    const { stdout } = await execa(scratch.path('nerve/bin/nerve'), ['-k', '-c', file]);
    expect(stdout).toBe(`${file}: ok, 1 service`);
  });
});
