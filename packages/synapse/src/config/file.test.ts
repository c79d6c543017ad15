import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { schemaOfDaemon } from '../../../../test/support/json-schema.ts';
import { loadConfig } from './config.ts';
import { explain } from './explain.ts';
import { starter } from './starter.ts';

async function load(yaml: string) {
  const directory = await mkdtemp(join(tmpdir(), 'synapse-file-'));
  try {
    const file = join(directory, 'synapse.yaml');
    await writeFile(file, yaml);
    return await loadConfig(file);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function explained(yaml: string): Promise<readonly string[]> {
  const { config, source } = await load(yaml);
  return explain(config, source.value).split('\n');
}

describe('init', () => {
  test('writes a file that is good, and that editors accept', async () => {
    expect(Object.keys((await load(starter())).config.services)).toEqual(['web']);
    expect((await schemaOfDaemon('synapse'))(starter())).toEqual([]);
  });

  test('names a schema that is there', async () => {
    const [, path = ''] = /\$schema=(\S+)/.exec(starter()) ?? [];
    expect(JSON.parse(await readFile(path, 'utf8'))).toHaveProperty('properties.haproxy');
  });
});

describe('check-config --explain says', () => {
  test('who is followed, what is served when no instance is there, and where apps connect', async () => {
    expect(
      await explained(`
zookeeper: {hosts: [zk1:2181]}
services:
  web: {discovery: {method: zookeeper, path: /web}, haproxy: {port: 3213}}
  api:
    discovery:
      method: multi
      watchers: {near: {method: file, directory: /r}, far: {method: dns, servers: [{host: api.example, port: 1}]}}
      resolver: {method: sequential, sequential_order: [near, far]}
      label_filters: [{label: zone, condition: equals, value: a}]
    default_servers: [{host: 10.0.0.9, port: 1}]
    shrink_guard: false
    locality: {from: labels.zone, prefer: [a, b]}
`),
    ).toEqual([
      'Status and members are at http://127.0.0.1:9102/status and /v1. synapse runs an HAProxy of its own, which outlives it; its stats are at http://127.0.0.1:9101/.',
      '',
      'web',
      '  follows the instances registered in ZooKeeper at zk1:2181 under /web',
      '  keeps the last members when no instance is registered any more',
      '  holds back a loss of over 50 % of 5 or more members for 60 s while the registry is in trouble',
      '  is reached by apps at localhost:3213; a member that leaves has 10 s to finish',
      '',
      'api',
      '  joins these by sequential:',
      '    near: follows the instances registered in the folder /r as api',
      '    far: looks up api.example, at least every 30 s',
      '  keeps only members whose label zone equals a',
      '  serves those whose label zone is a, else b; others while fewer than 1 of them are announced',
      '  serves 10.0.0.9:1 while no instance is registered',
      '  is not proxied: apps ask for its members at /v1',
    ]);
  });

  test('a label filter whose value is empty or has spaces', async () => {
    const lines = await explained(`
services:
  web:
    discovery:
      method: base
      label_filters:
        - {label: 'region:sf', condition: equals, value: ''}
        - {label: rack, condition: in, value: ['a b', c]}
`);
    expect(lines).toContain(
      '  keeps only members whose label region:sf equals "", and rack in "a b", c',
    );
  });

  test('what is better now, and what is without effect', async () => {
    const lines = await explained(`
services:
  web:
    discovery: {method: zookeeper_poll, hosts: [zk1:2181], path: /web, retry_policy: {max_attempts: 5}}
    haproxy: {port: 3213, server_port_override: 8080}
  api:
    discovery: {method: zookeeper, hosts: [zk1:2181], path: /api}
haproxy:
  config_file_path: /etc/haproxy/haproxy.cfg
  socket_file_path: /run/haproxy.sock
  reload_command: systemctl reload haproxy
  max_server_id: 65535
`);
    expect(lines[0]).toContain(
      'HAProxy is run by somebody else: synapse writes /etc/haproxy/haproxy.cfg, speaks to /run/haproxy.sock, runs `systemctl reload haproxy`',
    );
    expect(lines.slice(lines.indexOf('Better now:'))).toEqual([
      'Better now:',
      '  services.web.discovery.hosts and 1 more: zookeeper: {hosts: [zk1:2181]} at the top names the ensemble once for all services',
      '  services.web.discovery.method: method: zookeeper follows watches that cannot be lost, so that nothing need be polled',
      '  services.web.haproxy.server_port_override: backend_port_override beside discovery is its newer name',
      '  haproxy.reload_command: without it, config_file_path and socket_file_path, synapse runs an HAProxy of its own, which outlives it',
      '  haproxy.max_server_id: a small range makes ids collide; the default (268435455) does not',
      '',
      'Without effect, and may go:',
      '  services.web.discovery.retry_policy: nothing is ever given up: what failed is tried again, later and later, up to a limit',
    ]);
  });
});
