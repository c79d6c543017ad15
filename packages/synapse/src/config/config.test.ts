import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ConfigError } from '@smartstack/daemon';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';

import { schemaOfDaemon } from '../../../../test/support/json-schema.ts';
import { loadConfig } from './config.ts';

const complaints = await schemaOfDaemon('synapse');

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'synapse-config-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function load(yaml: string) {
  const file = join(directory, 'synapse.yaml');
  await writeFile(file, yaml);
  const { config } = await loadConfig(file);
  // What the daemon accepts, editors accept too; but they do not know what defaults make whole.
  if (!yaml.includes('defaults:')) expect(complaints(yaml)).toEqual([]);
  return config;
}

async function problemsOf(yaml: string): Promise<readonly string[]> {
  const error: unknown = await load(yaml).catch((caught: unknown) => caught);
  if (!(error instanceof ConfigError)) throw new Error('was accepted');
  if (error.message.includes('unknown key')) expect(complaints(yaml)).not.toEqual([]);
  return error.problems.map((problem) => problem.replace(`${directory}/`, ''));
}

const service = (name: string, haproxy: string) =>
  `  ${name}:\n    discovery: {method: base}\n    haproxy: {${haproxy}}\n`;

test('a service has the originals’ defaults', async () => {
  const { services } = await load(
    'services:\n  web:\n    discovery: {method: zookeeper, hosts: [a:2181], path: /services/web}',
  );
  expect(services.web).toEqual({
    discovery: { method: 'zookeeper', hosts: ['a:2181'], path: '/services/web' },
    default_servers: [],
    keep_default_servers: false,
    use_previous_backends: true,
    leader_election: false,
    policy_from: 'service',
  });
});

describe('two services on one port are refused with both names', () => {
  test.each([
    ['the same address', 'port: 80', 'port: 80'],
    ['a wildcard and an address', 'port: 80, bind_address: "*"', 'port: 80'],
    ['localhost and its address', 'port: 80', 'port: 80, bind_address: 127.0.0.1'],
  ])('%s', async (_, first, second) => {
    const problems = await problemsOf(`services:\n${service('a', first)}${service('b', second)}`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(
      /^synapse.yaml:7:15: services\.b\.haproxy\.port: 80 on \S+ is taken by services\.a$/,
    );
  });

  test.each([
    ['other addresses', 'port: 80, bind_address: 127.0.0.1', 'port: 80, bind_address: 127.0.0.2'],
    ['other ports', 'port: 80', 'port: 81'],
    ['one is disabled', 'port: 80', 'port: 80, disabled: true'],
    ['sockets', 'port: null, bind_address: /a.sock', 'port: null, bind_address: /b.sock'],
  ])('but not: %s', async (_, first, second) => {
    await load(`services:\n${service('a', first)}${service('b', second)}`);
  });
});

test.each([
  [
    'no ensemble anywhere',
    'services:\n  web:\n    discovery: {method: zookeeper, path: /a}',
    'synapse.yaml:3:5: services.web.discovery: no ZooKeeper to ask; give hosts here or zookeeper.hosts for all services',
  ],
  [
    'no folder anywhere',
    'services:\n  web:\n    discovery: {method: file}',
    'synapse.yaml:3:5: services.web.discovery: no folder to read; give directory here or registry.directory for all services',
  ],
  [
    'no etcd anywhere',
    'services:\n  web:\n    discovery: {method: etcd, path: /a}',
    'synapse.yaml:3:5: services.web.discovery: no etcd to ask; give endpoints here or etcd.endpoints for all services',
  ],
  [
    'an etcd password that cannot be read',
    'etcd: {endpoints: e:1, user: u, password_file: /nowhere/secret}\nservices: {}',
    "synapse.yaml:1:33: etcd.password_file: ENOENT: no such file or directory, stat '/nowhere/secret'",
  ],
  [
    'an ensemble with a scheme',
    'services:\n  web:\n    discovery: {method: zookeeper, path: /a, hosts: ["http://zk1:2181"]}',
    'synapse.yaml:3:46: services.web.discovery.hosts: expected host:port, without http://, got ["http://zk1:2181"]',
  ],
  [
    'a path with an empty name',
    'services:\n  web:\n    discovery: {method: zookeeper, path: /a//b, hosts: zk1}',
    'synapse.yaml:3:36: services.web.discovery.path: expected an absolute path such as /services/web: a path has no empty names, got "/a//b"',
  ],
  [
    'a path that leaves the registry',
    'registry: {type: file, directory: /r}\nservices:\n  web:\n    discovery: {method: file, path: ../other}',
    'synapse.yaml:4:31: services.web.discovery.path: expected a path without . and .. in it, got "../other"',
  ],
  [
    'a name that HAProxy cannot have',
    'services:\n  shop/cart:\n    discovery: {method: base}\n    haproxy: {port: 80}',
    'synapse.yaml:2:3: services.shop/cart: HAProxy cannot have this name, only letters, digits and ._:- in one; rename it',
  ],
  [
    'such a name of a backend',
    'services:\n  my app:\n    discovery: {method: base}\n    haproxy: {}',
    'synapse.yaml:2:3: services.my app: HAProxy cannot have this name, only letters, digits and ._:- in one; rename it, or give it a haproxy.backend_name',
  ],
  [
    'a secret that cannot be read',
    'zookeeper: {hosts: zk1, auth: {user: a, password_file: /nowhere/secret}}\nservices: {}',
    "synapse.yaml:1:41: zookeeper.auth.password_file: cannot read /nowhere/secret for ZooKeeper: ENOENT: no such file or directory, open '/nowhere/secret'; this daemon's user must be able to",
  ],
  [
    'a certificate that is none',
    'zookeeper: {hosts: zk1, tls: {ca: /proc/self/comm}}\nservices: {}',
    'synapse.yaml:1:25: zookeeper.tls: cannot use the TLS authority: no certificate in it',
  ],
  [
    'a status address with no such port',
    'status_address: 127.0.0.1:70000\nservices: {}',
    'synapse.yaml:1:1: status_address: expected false or a port of at most 65535, got "127.0.0.1:70000"',
  ],
  [
    'a method that is not there',
    'services:\n  web:\n    discovery: {method: zookeper}',
    'synapse.yaml:3:17: services.web.discovery.method: expected one of zookeeper, zookeeper_poll, etcd, file, base, dns, zookeeper_dns, zookeeper_dns_poll, docker, marathon, ec2tag, consul, kubernetes, multi, got "zookeper"; did you mean zookeeper?',
  ],
  [
    'a default server without a host',
    'services:\n  web:\n    discovery: {method: base}\n    default_servers: [{port: 1}]',
    'synapse.yaml:4:23: services.web.default_servers[0].host: missing; expected text',
  ],
  [
    'a default server that would break the proxy',
    'services:\n  web:\n    discovery: {method: base}\n    default_servers: [{host: "a b", port: 1}]',
    'synapse.yaml:4:24: services.web.default_servers[0].host: expected a host name or an IP address, got "a b"',
  ],
  [
    'a port that is none',
    'services:\n  web:\n    discovery: {method: base}\n    backend_port_override: 0',
    'synapse.yaml:4:5: services.web.backend_port_override: expected a number of at least 1, got 0',
  ],
  [
    'a filter with a condition that is not there',
    'services:\n  web:\n    discovery: {method: base, label_filters: [{label: a, value: b, condition: equal}]}',
    'synapse.yaml:3:68: services.web.discovery.label_filters[0].condition: expected one of equals, not-equals, in, not-in, exists, got "equal"; did you mean equals?',
  ],
  [
    'a jitter that is too long',
    'services:\n  web:\n    discovery: {method: zookeeper, hosts: [a:1], path: /w, discovery_jitter: 121}',
    'synapse.yaml:3:60: services.web.discovery.discovery_jitter: must not be more than 120 seconds',
  ],
  [
    'a decoder that is not there',
    'services:\n  web:\n    discovery: {method: zookeeper, hosts: [a:1], path: /w, decode: {method: servers}}',
    'synapse.yaml:3:69: services.web.discovery.decode.method: expected one of nerve, serverset, got "servers"; did you mean serverset?',
  ],
  [
    'names without a port',
    'services:\n  web:\n    discovery: {method: dns, servers: [{host: web.test}]}',
    'synapse.yaml:3:5: services.web.discovery: no port is known for its members; set backend_port_override',
  ],
  [
    'a watcher without an ensemble',
    'services:\n  web:\n    discovery: {method: multi, resolver: {method: union}, watchers: {a: {method: zookeeper, path: /a}}}',
    'synapse.yaml:3:70: services.web.discovery.watchers.a: no ZooKeeper to ask; give hosts here or zookeeper.hosts for all services',
  ],
  [
    'an order that lacks a watcher',
    'services:\n  web:\n    discovery: {method: base}\n    discovery_multi: {resolver: {method: sequential, sequential_order: [a]}, watchers: {a: {method: base}}}',
    'synapse.yaml:3:5: services.web.discovery: sequential_order lacks primary',
  ],
  [
    'a spill that is none',
    'services:\n  web:\n    discovery: {method: base}\n    locality: {from: labels.zone, prefer: a, spill: up}',
    'synapse.yaml:4:46: services.web.locality.spill: expected down, or a rule such as members<2, got "up"',
  ],
  [
    'a locality that HAProxy could not follow',
    'services:\n  web:\n    discovery: {method: base}\n    locality: {from: labels.zone, prefer: a, spill: down}\n    haproxy: {}',
    'synapse.yaml:4:46: services.web.locality.spill: down needs haproxy.port, for only a frontend of its own can choose; members<N does not',
  ],
  [
    'a locality that a shared frontend could not follow',
    'services:\n  web:\n    discovery: {method: base}\n    locality: {from: labels.zone, prefer: a, spill: down}\n    haproxy: {port: 80, shared_frontend: [use_backend web]}',
    'synapse.yaml:4:46: services.web.locality.spill: down chooses in a frontend of its own, not in a shared_frontend; members<N does for both',
  ],
  [
    'a service by the name of another’s members further away',
    'services:\n  web:\n    discovery: {method: base}\n    locality: {from: labels.zone, prefer: a, spill: down}\n    haproxy: {port: 80}\n  web.spill1:\n    discovery: {method: base}',
    "synapse.yaml:6:3: services.web.spill1: is what web's locality names its members further away",
  ],
  [
    'a relative path',
    'services:\n  web:\n    discovery: {method: zookeeper, hosts: [a:1], path: web}',
    'synapse.yaml:3:50: services.web.discovery.path: expected an absolute path such as /services/web, got "web"',
  ],
])('%s', async (_, yaml, problem) => {
  expect(await problemsOf(yaml)).toEqual([problem]);
});

test('what services have in common is written once', async () => {
  const { services } = await load(`zookeeper: {hosts: [a:1]}
defaults:
  use_previous_backends: false
  discovery: {method: zookeeper, label_filters: [{label: a, condition: exists}]}
  haproxy: {listen: [mode http], server_options: check}
services:
  web: {discovery: {path: /web}, haproxy: {port: 80, server_options: weight 1}}
  unproxied: {discovery: {path: /other}, use_previous_backends: true}
  elsewhere: {discovery: {method: base}}`);
  expect(services).toMatchObject({
    web: {
      use_previous_backends: false,
      discovery: { method: 'zookeeper', path: '/web', label_filters: [{ label: 'a' }] },
      haproxy: { port: 80, listen: ['mode http'], server_options: 'weight 1' },
    },
    unproxied: { use_previous_backends: true, discovery: { path: '/other' } },
    elsewhere: { discovery: { method: 'base' } },
  });
  expect(services.unproxied).not.toHaveProperty('haproxy');
  expect(services.elsewhere?.discovery).not.toHaveProperty('label_filters');
});

test('what is wrong with the defaults is said once, and at their place', async () => {
  const text = `defaults:
  haproxy: {listn: [mode http]}
  backend_port_override: 0
services:
  a: {discovery: {method: base}, haproxy: {}}
  b: {discovery: {method: base}, haproxy: {}}`;
  expect(await problemsOf(text)).toEqual([
    'synapse.yaml:3:3: defaults.backend_port_override: expected a number of at least 1, got 0',
    'synapse.yaml:2:13: defaults.haproxy.listn: unknown key; did you mean listen?',
  ]);
});

test('discovery_multi has the discovery as its primary watcher', async () => {
  const { services } = await load(
    'services:\n  web:\n    discovery: {method: base}\n    discovery_multi: {resolver: {method: union}, watchers: {old: {method: base}}}',
  );
  expect(services.web?.discovery).toEqual({
    method: 'multi',
    resolver: { method: 'union' },
    watchers: { old: { method: 'base' }, primary: { method: 'base' } },
  });
});

test('what the originals’ files may have beside is taken', async () => {
  await load(
    'services: {}\nstatsd: {host: localhost, port: 8125, sample_rate: {synapse.watcher: 0.1}}\nfile_output: {output_directory: /tmp/x}',
  );
});

test.each([
  ['alone', '', 8080],
  ['beside the newer key, which wins', 'backend_port_override: 9090', 9090],
])(
  'haproxy.server_port_override is the old name of backend_port_override: %s',
  async (_, more, port) => {
    const { services } = await load(
      `services:\n  web:\n    discovery: {method: zookeeper, hosts: [a:2181], path: /web}\n    haproxy: {port: 80, server_port_override: 8080}\n    ${more}\n`,
    );
    expect(services.web).toMatchObject({ backend_port_override: port, haproxy: { port: 80 } });
    expect(services.web?.haproxy).not.toHaveProperty('server_port_override');
  },
);

test('a default server may be a UNIX socket', async () => {
  const { services } = await load(`services:
  web:
    discovery: {method: base}
    default_servers: [{host: unix, port: /run/web.sock}, {host: unix, port: 80}, {host: a, port: "81"}]
`);
  expect(services.web?.default_servers).toEqual([
    { host: 'unix', port: '/run/web.sock' },
    { host: 'unix', port: 80 },
    { host: 'a', port: 81 },
  ]);
});

test.each([
  [
    '{host: a, port: /run/web.sock}',
    'expected a port from 1 to 65535; a path is for a UNIX socket, whose host is `unix`',
  ],
  [
    '{host: unix, port: /run/web sock}',
    'expected a port from 1 to 65535, or the path of a UNIX socket where the host is `unix`',
  ],
  [
    '{host: unix, port: run/web.sock}',
    'expected a port from 1 to 65535, or the path of a UNIX socket where the host is `unix`',
  ],
  ['{host: a, port: 70000}', 'expected a number of at most 65535, got 70000'],
])('a default server %s is refused', async (server, message) => {
  const [problem] = await problemsOf(
    `services:\n  web:\n    discovery: {method: base}\n    default_servers: [${server}]\n`,
  );
  expect(problem).toContain(`services.web.default_servers[0].port: ${message}`);
});

test.each([
  ['stats socket /run/h.sock', 1],
  ['stats socket /run/h.sock mode 600 level operator', 1],
  ['stats socket unix@/run/h.sock level user', 1],
  ['stats socket /run/h.sock level admin', 0],
  ['stats socket /run/other.sock', 0],
])('check-config says of `%s` whether HAProxy will refuse changes', async (line, count) => {
  const yaml = `services: {}
haproxy:
  reload_command: "true"
  config_file_path: /run/h.cfg
  socket_file_path: /run/h.sock
  global: [${JSON.stringify(line)}]`;
  const file = join(directory, 'synapse.yaml');
  await writeFile(file, yaml);
  const { warnings } = await loadConfig(file);
  expect(warnings).toHaveLength(count);
  for (const warning of warnings)
    expect(warning).toMatch(/:6:12: haproxy\.global\[0\]: this stats socket .*level admin/);
});

test('two services with one backend are told of each other, each at its place', async () => {
  const clash = (name: string) =>
    `its backend ${name} is that of services.%s too; give one of them another haproxy.backend_name`;
  const yaml = `services:\n${service('a', 'port: 80, backend_name: x')}${service('b', 'port: 81, backend_name: x')}`;
  expect(await problemsOf(yaml)).toEqual([
    `synapse.yaml:4:25: services.a.haproxy.backend_name: ${clash('x').replace('%s', 'b')}`,
    `synapse.yaml:7:25: services.b.haproxy.backend_name: ${clash('x').replace('%s', 'a')}`,
  ]);
  const named = `services:\n${service('a', 'port: 80')}${service('b', 'port: 81, backend_name: a')}`;
  expect(await problemsOf(named)).toEqual([
    expect.stringContaining('synapse.yaml:2:3: services.a: its backend a is that of services.b'),
    expect.stringContaining('synapse.yaml:7:25: services.b.haproxy.backend_name: its backend a'),
  ]);
  const off = `services:\n${service('a', 'port: 80')}${service('b', 'backend_name: a, disabled: true')}`;
  expect(Object.keys((await load(off)).services)).toEqual(['a', 'b']);
});

test.each([
  ['', 1],
  ['aws_region: eu-west-1, ', 0],
])('check-config says of ec2tag with `%s` whether a region is known', async (key, count) => {
  for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION']) vi.stubEnv(name, undefined);
  onTestFinished(() => void vi.unstubAllEnvs());
  const file = join(directory, 'tagged.yaml');
  await writeFile(
    file,
    `services: {web: {backend_port_override: 80, discovery: {method: ec2tag, ${key}tag_name: a, tag_value: b}}}`,
  );
  const { warnings } = await loadConfig(file);
  expect(warnings).toHaveLength(count);
  for (const warning of warnings)
    expect(warning).toMatch(/:1:45: services\.web\.discovery: no aws_region, .*; set aws_region$/);
  vi.stubEnv('AWS_DEFAULT_REGION', 'eu-west-1');
  expect((await loadConfig(file)).warnings).toEqual([]);
});

test.each([
  ['42', '42'],
  ['"42"', '42'],
  ['-7', '-7'],
  ['138803118435323441628150706594964426036', '138803118435323441628150706594964426036'],
  ['"138803118435323441628150706594964426036"', '138803118435323441628150706594964426036'],
])('server_order_seed is any whole number: %s', async (written, seed) => {
  const yaml = `services: {}\nhaproxy: {server_order_seed: ${written}}`;
  expect((await load(yaml)).haproxy?.server_order_seed).toBe(seed);
});

test.each(['1.5', 'abc', '"1 2"', 'true'])('server_order_seed is not %s', async (written) => {
  expect(await problemsOf(`services: {}\nhaproxy: {server_order_seed: ${written}}`)).toEqual([
    expect.stringContaining('haproxy.server_order_seed: expected a whole number, got '),
  ]);
});

test('file_output may be off for one service', async () => {
  const { services } = await load(
    'services: {web: {discovery: {method: base}, file_output: {disabled: true}}}',
  );
  expect(services.web?.file_output).toEqual({ disabled: true });
});

test('lines whose keywords HAProxy removed are warnings, once where services have them from defaults', async () => {
  const file = join(directory, 'removed.yaml');
  await writeFile(
    file,
    `defaults: {haproxy: {listen: [option forceclose]}}
services:
${service('a', 'port: 80')}${service('b', 'port: 81')}${service('c', 'port: 82, listen: [reqpass .]')}`,
  );
  const { warnings } = await loadConfig(file);
  expect(warnings.map((warning) => warning.replace(`${directory}/`, ''))).toEqual([
    'removed.yaml:1:31: defaults.haproxy.listen[0]: HAProxy removed "option forceclose"; it runs as "option httpclose"',
    expect.stringContaining(
      'removed.yaml:11:34: services.c.haproxy.listen[0]: HAProxy removed "reqpass .", refuses it',
    ),
  ]);
});
