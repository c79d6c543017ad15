import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ConfigError, parseSource } from '@smartstack/daemon';
import { describe, expect, test } from 'vitest';

import { schemaOfDaemon } from '../../../../test/support/json-schema.ts';
import { parseConfig } from './config.ts';
import { loadConfig } from './load-config.ts';

const lastReasons = await schemaOfDaemon('nerve');

/** What the daemon accepts, editors accept too. */
function parse(yaml: string, instanceId?: string) {
  const config = parseConfig(parseSource('n.yaml', yaml), '/etc/nerve', {
    instanceId,
    strict: true,
  });
  expect(lastReasons(yaml)).toEqual([]);
  return config;
}

function problemsOf(yaml: string): readonly string[] {
  try {
    parse(yaml);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const policy = {
  flapDamping: { changes: 10, window: 60_000, hold: 5000, maxHold: 300_000 },
  startGrace: 0,
  warmup: undefined,
  rateLimit: undefined,
};

test("the originals' example is read with its meaning", () => {
  const config = parse(`{
    "instance_id": "mymachine",
    "services": {
      "your_http_service": {
        "host": "1.2.3.4",
        "port": 3000,
        "reporter_type": "zookeeper",
        "zk_hosts": ["localhost:2181"],
        "zk_path": "/nerve/services/your_http_service/services",
        "check_interval": 2,
        "checks": [{"type": "http", "uri": "/health", "timeout": 0.2, "rise": 3, "fall": 2}]
      },
      "your_tcp_service": {
        "host": "1.2.3.4",
        "port": 6379,
        "reporter_type": "zookeeper",
        "zk_hosts": ["localhost:2181"],
        "zk_path": "/nerve/services/your_tcp_service/services",
        "check_interval": 2,
        "checks": [{"type": "tcp", "timeout": 0.2, "rise": 3, "fall": 2}]
      }
    }
  }`);
  expect(config.services).toEqual([
    {
      name: 'your_http_service',
      instance: { host: '1.2.3.4', port: 3000, name: 'mymachine' },
      places: [
        {
          type: 'zookeeper',
          registry: 'zookeeper',
          address: { type: 'zookeeper', hosts: ['localhost:2181'] },
          path: '/nerve/services/your_http_service/services',
          form: {},
        },
      ],
      checkInterval: 2000,
      directory: '/etc/nerve',
      policy,
      checks: [
        {
          type: 'http',
          uri: '/health',
          timeout: 200,
          rise: 3,
          fall: 2,
          ssl: false,
          insecure: true,
          method: 'GET',
          status: [[200, 399]],
          open_timeout: 200,
          ssl_timeout: 200,
          headers: {},
          expect_headers: {},
        },
      ],
    },
    {
      name: 'your_tcp_service',
      instance: { host: '1.2.3.4', port: 6379, name: 'mymachine' },
      places: [
        {
          type: 'zookeeper',
          registry: 'zookeeper',
          address: { type: 'zookeeper', hosts: ['localhost:2181'] },
          path: '/nerve/services/your_tcp_service/services',
          form: {},
        },
      ],
      checkInterval: 2000,
      directory: '/etc/nerve',
      policy,
      checks: [{ type: 'tcp', timeout: 200, rise: 3, fall: 2 }],
    },
  ]);
});

const zk = 'zk_hosts: [z:2181], zk_path: /web';

test('what is absent has the defaults of the originals', () => {
  const [web] = parse(
    `{instance_id: a, services: {web: {host: h, port: 1, ${zk}, checks: [{type: tcp}]}}}`,
  ).services;
  expect(web).toMatchObject({
    checkInterval: 500,
    checks: [{ timeout: 100, rise: 1, fall: 1 }],
    instance: { host: 'h', port: 1, name: 'a' },
  });
});

test('weight, labels and server options are announced', () => {
  const [web] = parse(
    `{instance_id: a, services: {web: {host: h, port: "80", ${zk}, weight: 3, labels: {az: x, n: 1}, haproxy_server_options: maxconn 5}}}`,
  ).services;
  expect(web?.instance).toEqual({
    host: 'h',
    port: 80,
    name: 'a',
    weight: 3,
    labels: { az: 'x', n: '1' },
    haproxyServerOptions: 'maxconn 5',
  });
});

test('an instance id given by hand wins over the one in the file, or stands in for it', () => {
  expect(parse('{instance_id: a, services: {}}', 'b').instanceId).toBe('b');
  expect(parse('{services: {}}', 'b').instanceId).toBe('b');
});

test("the ZooKeeper reporter's keys say how the record is held", () => {
  const keys = 'node_type: persistent, ttl_seconds: 60, use_path_encoding: true';
  const [web] = parse(
    `{instance_id: a, services: {web: {host: h, port: 1, ${zk}, ${keys}}}}`,
  ).services;
  expect(web?.places[0]).toMatchObject({
    form: { nodeType: 'persistent', ttl: 60_000, pathEncoding: true },
  });
});

test("the originals' other keys are taken", () => {
  const config = parse(`{
    instance_id: a, heartbeat_path: beat, max_repeated_report_failures: 10,
    statsd: {host: localhost, port: 8125},
    services: {web: {host: h, port: 1, ${zk}, check_mocked: true, load_test_concurrency: 2, checks: [{type: tcp}],
      rate_limiting: {shadow_mode: false, average_rate: 10, max_burst: 100}}}}`);
  expect(config.heartbeatPath).toBe('/etc/nerve/beat');
  expect(config.statsd).toEqual({ host: 'localhost', port: 8125 });
  expect(config.services.map(({ name, checks }) => [name, checks])).toEqual([
    ['web_0', []],
    ['web_1', []],
  ]);
  expect(config.services[0]?.policy.rateLimit).toEqual({
    shadow: false,
    averageRate: 10,
    maxBurst: 100,
  });
});

test('policies for all services may stand at the top', () => {
  const services = `services: {web: {host: h, port: 1, ${zk}}, api: {host: h, port: 2, ${zk}, flap_damping: {hold: 1}}}`;
  const config = parse(`{instance_id: a, flap_damping: false, start_grace: 5s, ${services}}`);
  expect(
    config.services.map(({ policy: { flapDamping, startGrace } }) => [flapDamping, startGrace]),
  ).toEqual([
    [false, 5000],
    [{ changes: 10, window: 60_000, hold: 1000, maxHold: 300_000 }, 5000],
  ]);
});

describe('a service is announced', () => {
  const placeOf = (top: string, service: string) =>
    parse(`{instance_id: a, ${top} services: {web: {host: h, port: 1, ${service}}}}`).services[0]
      ?.places[0];
  const zookeeper = { type: 'zookeeper', hosts: ['z:1'] };
  test.each([
    [
      'in the ensemble of all services',
      'zookeeper: {hosts: [z:1]},',
      'zk_path: /w',
      zookeeper,
      '/w',
    ],
    ['in its own', 'zookeeper: {hosts: [y:1]},', 'zk_hosts: [z:1], zk_path: /w', zookeeper, '/w'],
    [
      'in the folder of all services, under its name',
      'registry: {type: file, directory: /d},',
      '',
      { type: 'file', directory: '/d' },
      'web',
    ],
    [
      'in its own folder, under its path',
      '',
      'reporter_type: file, directory: /e, path: x/y',
      { type: 'file', directory: '/e' },
      'x/y',
    ],
    [
      'in ZooKeeper, though others are in a folder',
      'registry: {type: file, directory: /d},',
      'reporter_type: zookeeper, zk_hosts: [z:1], zk_path: /w',
      zookeeper,
      '/w',
    ],
    [
      'in the etcd of all services',
      'etcd: {endpoints: [e:1]},',
      'etcd_path: /w',
      { type: 'etcd', endpoints: ['e:1'] },
      '/w',
    ],
    [
      'in its own etcd, though others are in ZooKeeper',
      'zookeeper: {hosts: [z:1]},',
      'reporter_type: etcd, etcd_endpoints: "http://e:1, http://f:1", etcd_path: /w',
      { type: 'etcd', endpoints: ['http://e:1', 'http://f:1'] },
      '/w',
    ],
    [
      "by etcd's v2 API",
      'etcd: {endpoints: [e:1]},',
      'etcd_host: f',
      { type: 'etcd_v2', host: 'f', port: 4003 },
      '/',
    ],
  ])('%s', (_, top, service, address, path) => {
    expect(placeOf(top, service)).toMatchObject({ address, path });
  });
});

describe('a bad configuration is refused with place, key and fix', () => {
  const service = (lines: string) =>
    `instance_id: a\nservices:\n  web:\n    host: h\n    port: 80\n    zk_hosts: [z:1]\n    zk_path: /w\n${lines}`;
  const checks = (check: string) => service(`    checks:\n    - ${check}`);
  test.each([
    ['no instance id', 'services: {}', ['n.yaml:1:1: instance_id: missing; expected text']],
    [
      'an instance id that no path can hold',
      'instance_id: a/b\nservices: {}',
      ['n.yaml:1:1: instance_id: expected ASCII text without spaces and slashes, got "a/b"'],
    ],
    ['no services', 'instance_id: a', ['n.yaml:1:1: services: missing; expected a mapping']],
    [
      'everything that a service lacks, at once',
      'instance_id: a\nservices:\n  web: {}',
      [
        'n.yaml:3:3: services.web.host: missing; expected text',
        'n.yaml:3:3: services.web.port: missing; expected a number',
        'n.yaml:3:3: services.web.zk_hosts: missing; give it here or as zookeeper.hosts for all services',
        'n.yaml:3:3: services.web.zk_path: missing; expected a path such as /services/web',
      ],
    ],
    [
      'no folder',
      'instance_id: a\nservices:\n  web: {host: h, port: 1, reporter_type: file}',
      [
        'n.yaml:3:3: services.web.directory: missing; give it here or as registry.directory for all services',
      ],
    ],
    [
      'no etcd',
      'instance_id: a\nservices:\n  web: {host: h, port: 1, reporter_type: etcd}',
      [
        'n.yaml:3:3: services.web.etcd_endpoints: missing; give it here or as etcd.endpoints for all services, or an etcd_host for the v2 API',
        'n.yaml:3:3: services.web.etcd_path: missing; expected a path such as /services/web',
      ],
    ],
    [
      'both APIs of etcd',
      'instance_id: a\nservices:\n  web: {host: h, port: 1, reporter_type: etcd, etcd_host: e, etcd_endpoints: [e:1]}',
      [
        'n.yaml:3:62: services.web.etcd_endpoints: not with etcd_host, which has the v2 API alone; leave one out',
      ],
    ],
    [
      'an etcd user with two passwords, and a server with a path',
      'instance_id: a\nservices: {}\netcd: {endpoints: ["http://e:1/v3"], user: u, password: p, password_file: /f}',
      [
        'n.yaml:3:8: etcd.endpoints: expected servers such as https://etcd1:2379, without a path, got ["http://e:1/v3"]',
        'n.yaml:3:38: etcd.user: needs either password or password_file',
      ],
    ],
    [
      "another reporter's keys",
      service('    reporter_type: file\n    directory: /d'),
      [
        "n.yaml:6:5: services.web.zk_hosts: only for reporter_type zookeeper; this service's is file",
        "n.yaml:7:5: services.web.zk_path: only for reporter_type zookeeper; this service's is file",
      ],
    ],
    [
      'an unknown reporter',
      service('    reporter_type: zookeper'),
      [
        'n.yaml:8:5: services.web.reporter_type: expected one of zookeeper, file, etcd, consul, got "zookeper"; did you mean zookeeper?',
      ],
    ],
    [
      'a reporter named like a part of every object',
      service('    reporter_type: toString'),
      [
        'n.yaml:8:5: services.web.reporter_type: expected one of zookeeper, file, etcd, consul, got "toString"',
      ],
    ],
    [
      'a relative zk_path',
      'instance_id: a\nservices:\n  web: {host: h, port: 1, zk_hosts: [z:1], zk_path: w/}',
      [
        'n.yaml:3:44: services.web.zk_path: expected an absolute path such as /services/web, got "w/"',
      ],
    ],
    [
      'a host with more than a host in it',
      'instance_id: a\nservices:\n  web: {host: "h; rm", port: 1, zk_hosts: [z:1], zk_path: /w}',
      ['n.yaml:3:9: services.web.host: expected a host name or an IP address, got "h; rm"'],
    ],
    [
      'a port out of range',
      'instance_id: a\nservices:\n  web: {host: h, port: 65536, zk_hosts: [z:1], zk_path: /w}',
      ['n.yaml:3:18: services.web.port: expected a number of at most 65535, got 65536'],
    ],
    [
      'a port with more than digits',
      'instance_id: a\nservices:\n  web: {host: h, port: "80; rm", zk_hosts: [z:1], zk_path: /w}',
      ['n.yaml:3:18: services.web.port: expected a number, got "80; rm"'],
    ],
    [
      'two services that announce one address at one path',
      'instance_id: a\nservices:\n  web: &s {host: h, port: 1, zk_hosts: [z:1], zk_path: /w}\n  api: *s',
      [
        'n.yaml:3:21: services.web.port: services.api announces h:1 at /w as well',
        'n.yaml:4:3: services.api.port: services.web announces h:1 at /w as well',
      ],
    ],
    [
      'two that name one address and place in other words',
      'instance_id: a\nservices:\n  web: {host: H, port: 1, zk_hosts: "z:1,y:1/s", zk_path: /w}\n  api: {host: h, port: 1, zk_hosts: [y:1, z:1], zk_path: /s/w}',
      [
        'n.yaml:3:18: services.web.port: services.api announces h:1 at /s/w as well',
        'n.yaml:4:18: services.api.port: services.web announces h:1 at /s/w as well',
      ],
    ],
    [
      'a warm-up of a weight that cannot grow',
      service('    warmup: 30s'),
      ['n.yaml:8:5: services.web.warmup: needs a weight of 2 or more that can grow'],
    ],
    [
      'an unknown key',
      service('    wieght: 1'),
      ['n.yaml:8:5: services.web.wieght: unknown key; did you mean weight?'],
    ],
    [
      'a negative weight',
      service('    weight: -1'),
      ['n.yaml:8:5: services.web.weight: expected a number of at least 0, got -1'],
    ],
    [
      'server options of two lines',
      service('    haproxy_server_options: "a\\nb"'),
      [
        'n.yaml:8:5: services.web.haproxy_server_options: expected one line of server options, got "a\\nb"',
      ],
    ],
    [
      'an interval of nothing',
      service('    check_interval: 0'),
      ['n.yaml:8:5: services.web.check_interval: expected 0.01 to 86400 seconds, got 0'],
    ],
    [
      'a timeout of more than a day',
      checks('{type: tcp, timeout: 2d}'),
      ['n.yaml:9:19: services.web.checks[0].timeout: expected 0.001 to 86400 seconds, got 172800'],
    ],
    [
      'a timeout that is none',
      checks('{type: tcp, timeout: fast}'),
      ['n.yaml:9:19: services.web.checks[0].timeout: expected a number of seconds, got "fast"'],
    ],
    [
      'a rise of nothing',
      checks('{type: tcp, rise: 0}'),
      ['n.yaml:9:19: services.web.checks[0].rise: expected a number of at least 1, got 0'],
    ],
    [
      'a check of an unknown type',
      checks('{type: htp}'),
      [
        'n.yaml:9:8: services.web.checks[0].type: expected one of tcp, http, https, redis, rabbitmq, postgres, mysql, grpc, exec, file, noop, ttl, module, got "htp"; did you mean http?',
      ],
    ],
    [
      'an http check without a uri',
      checks('{type: http}'),
      ['n.yaml:9:7: services.web.checks[0].uri: missing; expected text'],
    ],
    [
      'a uri that is no path',
      checks('{type: http, uri: health}'),
      ['n.yaml:9:20: services.web.checks[0].uri: expected a path such as /health, got "health"'],
    ],
    [
      'a status that is none',
      checks('{type: http, uri: /, status: [99]}'),
      [
        'n.yaml:9:37: services.web.checks[0].status[0]: expected a status such as 200 or 200-299, got 99',
      ],
    ],
    [
      'a key of another check',
      checks('{type: tcp, uri: /health}'),
      [
        'n.yaml:9:19: services.web.checks[0].uri: unknown key; known here: fall, host, name, port, rise, timeout, type',
      ],
    ],
    [
      'a registry of an unknown type',
      'instance_id: a\nregistry: {type: files, directory: /d}\nservices: {web: {host: h, port: 1}}',
      ['n.yaml:2:12: registry.type: expected file, got "files"; did you mean file?'],
    ],
    [
      'services that are no mapping',
      'instance_id: a\nservices:\n  web: 5',
      ['n.yaml:3:3: services.web: expected a mapping, got 5'],
    ],
    ['an empty file', '', ['n.yaml:1:1: expected a mapping, got null']],
  ])('%s', (_, yaml, problems) => {
    expect(problemsOf(yaml)).toEqual(problems);
    if (problems.some((problem) => problem.includes('unknown key')))
      expect(lastReasons(yaml)).not.toEqual([]);
  });
});

test('what a check needs and is not there is a problem of the configuration', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'nerve-'));
  try {
    const file = join(directory, 'nerve.yaml');
    await writeFile(
      file,
      `instance_id: a
services:
  web:
    {host: h, port: 1, ${zk}, checks: [{type: noop}, {type: module, module: ./no.mjs}, {type: https, uri: /, ca: no.pem},
      {type: http, uri: /, expect_match: "("}]}`,
    );
    await expect(loadConfig(file)).rejects.toThrow(
      new RegExp(
        `^${file}:4:\\d+: services.web.checks\\[1\\]: cannot load ./no.mjs: .*\n${file}:4:\\d+: services.web.checks\\[2\\]: cannot read ca: ENOENT.*${directory}/no.pem'\n${file}:5:28: services.web.checks\\[3\\].expect_match: no regular expression of RE2's syntax: missing closing \\): .*$`,
      ),
    );
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('what checks read is a regular file: reading never waits for a FIFO or the end of a device', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'nerve-'));
  try {
    const pipe = join(directory, 'pipe.mjs');
    execFileSync('mkfifo', [pipe]);
    const file = join(directory, 'nerve.yaml');
    const read = '{type: https, uri: /, ca: pipe.mjs}, {type: https, uri: /, cert: /dev/zero}';
    await writeFile(
      file,
      `instance_id: a
services:
  web: {host: h, port: 1, ${zk}, checks: [{type: module, module: ./pipe.mjs}, ${read}]}`,
    );
    const { problems } = (await loadConfig(file).catch((error: unknown) => error)) as ConfigError;
    expect(problems.map((problem) => problem.replace(/^.*?: /, ''))).toEqual([
      `services.web.checks[0]: cannot load ./pipe.mjs: ${pipe} is a FIFO, not a regular file`,
      `services.web.checks[1]: cannot read ca: ${pipe} is a FIFO, not a regular file`,
      'services.web.checks[2]: cannot read cert: /dev/zero is a device, not a regular file',
    ]);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('services may stand in files of their own', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'nerve-'));
  try {
    await mkdir(join(directory, 'services'));
    await writeFile(join(directory, 'nerve.yaml'), 'instance_id: a\nservice_conf_dir: services');
    await writeFile(
      join(directory, 'services', 'web.json'),
      '{"host": "h", "port": 1, "zk_hosts": ["z:1"], "zk_path": "/w"}',
    );
    const {
      config: { services },
    } = await loadConfig(join(directory, 'nerve.yaml'));
    expect(services.map(({ name }) => name)).toEqual(['web']);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('a host may be written as [v6], or with a last dot', () => {
  const hosts = ['"[2001:db8::8]"', 'web.example.com.'].map((host) => {
    const yaml = `instance_id: a\nservices:\n  web: {host: ${host}, port: 1, ${zk}}`;
    return parse(yaml).services[0]?.instance.host;
  });
  expect(hosts).toEqual(['2001:db8::8', 'web.example.com']);
});
