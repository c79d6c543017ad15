import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { parseSource, writeStarter } from '@smartstack/daemon';
import { describe, expect, test } from 'vitest';

import { schemaOfDaemon } from '../../../../test/support/json-schema.ts';
import { parseConfig } from './config.ts';
import { explain } from './explain.ts';
import { starter } from './starter.ts';

function explained(yaml: string): readonly string[] {
  const source = parseSource('nerve.yaml', yaml);
  return explain(parseConfig(source, '/etc/nerve'), source.value).split('\n');
}

const web = 'host: 10.0.0.1, port: 80, zk_hosts: [zk1:2181], zk_path: /web';

describe('init', () => {
  test('writes a file that is good, and that editors accept', async () => {
    expect(parseConfig(parseSource('nerve.yaml', starter()), '/').services).toHaveLength(1);
    expect((await schemaOfDaemon('nerve'))(starter())).toEqual([]);
  });

  test('names a schema that is there', async () => {
    const [, path = ''] = /\$schema=(\S+)/.exec(starter()) ?? [];
    expect(JSON.parse(await readFile(path, 'utf8'))).toHaveProperty('properties.instance_id');
  });

  test('overwrites only when told to, and says so', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'nerve-init-'));
    const file = join(directory, 'nerve.yaml');
    try {
      await writeStarter(file, 'mine', false);
      await expect(writeStarter(file, 'new', false)).rejects.toThrow(
        `cannot write ${file}: it is there already; name another file, or overwrite it with --force`,
      );
      expect(await readFile(file, 'utf8')).toBe('mine');
      await writeStarter(file, 'new', true);
      expect(await readFile(file, 'utf8')).toBe('new');
      await expect(writeStarter(join(directory, 'no', 'file'), '', false)).rejects.toThrow(
        /cannot write .*ENOENT.*; name a file in a folder that you may write to$/,
      );
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('check-config --explain says', () => {
  test('what is checked how often, where it is announced, and which defaults apply', () => {
    const lines = explained(
      `{instance_id: vm-1, services: {web: {${web}, check_interval: 2, checks: [{type: http, uri: /health, rise: 2}, {type: tcp, port: 81}]}}}`,
    );
    expect(lines.slice(2)).toEqual([
      'web',
      '  is announced as 10.0.0.1:80 in ZooKeeper at zk1:2181, as /web/vm-1_<sequence>, gone 10 s after nerve died',
      '  every 2 s asks GET http://10.0.0.1:80/health',
      '    for at most 0.1 s; up after 2 passes, down after 1 failure',
      '    by default status 200-399, open_timeout 0.2',
      '  every 2 s connects to 10.0.0.1:81',
      '    for at most 0.1 s; up after 1 pass, down after 1 failure',
      '  is held back for 5 s and more after over 10 changes within 60 s; leaving is never delayed',
      '',
      'Better now:',
      '  services.web.zk_hosts: zookeeper: {hosts: [...]} at the top names the ensemble once for all services',
    ]);
  });

  test('what is better now, once for all places', () => {
    const service = `{${web}, reporter_type: zookeeper, checks: [{type: http, uri: /, ssl: true}]}`;
    const lines = explained(
      `{instance_id: a, max_repeated_report_failures: 5, services: {web: ${service}, api: {${web.replace('80', '81')}}}}`,
    );
    expect(lines.slice(lines.indexOf('Better now:'))).toEqual([
      'Better now:',
      '  services.web.zk_hosts and 1 more: zookeeper: {hosts: [zk1:2181]} at the top names the ensemble once for all services',
      '  services.web.reporter_type: zookeeper is the default, so it may go',
      '  services.web.checks[0].ssl: type: https verifies the certificate (ca names a private authority)',
      '',
      'Without effect, and may go:',
      '  max_repeated_report_failures: nerve never gives up on a registry',
    ]);
  });

  test('where etcd has it, and for how long', () => {
    const lines = explained(
      '{instance_id: vm-1, services: {web: {host: 10.0.0.1, port: 80, reporter_type: etcd, etcd_host: e, check_interval: 2}}}',
    );
    expect(lines[3]).toBe(
      '  is announced as 10.0.0.1:80 in etcd at e:4003, as /vm-1/<number>, gone 10 s after nerve died',
    );
  });

  test('where etcd v3 has it', () => {
    const lines = explained(
      '{instance_id: vm-1, etcd: {endpoints: [e:1], prefix: /x, lease_ttl: 20}, services: {web: {host: 10.0.0.1, port: 80, etcd_path: /web}}}',
    );
    expect(lines[3]).toBe(
      '  is announced as 10.0.0.1:80 in etcd at e:1, as /x/web/vm-1-10.0.0.1:80, gone 20 s after nerve died',
    );
  });

  test('nothing more of a file that has nothing old', () => {
    const lines = explained(
      '{instance_id: a, registry: {type: file, directory: /r}, services: {web: {host: h, port: 1, flap_damping: false}}}',
    );
    expect(lines.slice(2)).toEqual([
      'web',
      '  is announced as h:1 in the folder /r, as web',
      '  is announced for as long as nerve runs: it has no checks',
      '  by default check_interval 0.5',
    ]);
  });
});
