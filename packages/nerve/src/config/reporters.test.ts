import { parseSource } from '@smartstack/daemon';
import { describe, expect, test } from 'vitest';

import { parseConfig } from './config.ts';
import { explain } from './explain.ts';

const top = 'instance_id: a\nzookeeper: {hosts: [z:1]}\nregistry: {type: file, directory: /d}\n';
const source = (services: string) => parseSource('n.yaml', `${top}services:\n${services}`);
const parse = (services: string) => parseConfig(source(services), '/etc/nerve');
const web = (reporters: string, more = '') =>
  `  web:\n    host: h\n    port: 1\n    reporters: [${reporters}]\n${more}`;

test('several reporters are several places, each with the keys of its type', () => {
  const text =
    '{type: zookeeper, zk_path: /w, node_type: persistent}, {type: file}, {type: file, name: old, directory: /e, path: x}';
  expect(parse(web(text)).services[0]?.places).toEqual([
    {
      type: 'zookeeper',
      registry: 'zookeeper',
      address: { type: 'zookeeper', hosts: ['z:1'] },
      path: '/w',
      form: { nodeType: 'persistent' },
    },
    { type: 'file', registry: 'file', address: { type: 'file', directory: '/d' }, path: 'web' },
    { type: 'file', registry: 'old', address: { type: 'file', directory: '/e' }, path: 'x' },
  ]);
});

test('one entry is what the flat keys are', () => {
  const flat = parse('  web: {host: h, port: 1, reporter_type: zookeeper, zk_path: /w}');
  expect(parse(web('{type: zookeeper, zk_path: /w}'))).toEqual(flat);
});

test('a second one of a type is numbered', () => {
  const { services } = parse(
    web('{type: zookeeper, zk_path: /w}, {type: zookeeper, zk_hosts: [y:1], zk_path: /w}'),
  );
  expect(services[0]?.places.map(({ registry }) => registry)).toEqual(['zookeeper', 'zookeeper-2']);
});

test('check-config explains where a service is announced', () => {
  const written = source(web('{type: zookeeper, zk_path: /w}, {type: file}'));
  expect(explain(parseConfig(written, '/'), written.value)).toContain(`web
  is announced as h:1 in 2 registries, in each by itself:
    zookeeper: in ZooKeeper at z:1, as /w/a_<sequence>, gone 10 s after nerve died
    file: in the folder /d, as web
`);
});

test('a service may be a member of a server set', () => {
  const flat = 'zk_path: /w, encode: {method: serverset, endpoint_name: admin, shard: 3}';
  const written = source(`  web: {host: h, port: 1, reporter_type: zookeeper, ${flat}}`);
  const config = parseConfig(written, '/');
  expect(config.services[0]?.places).toMatchObject([
    { form: { serverset: { endpointName: 'admin', shard: 3 } } },
  ]);
  expect(explain(config, written.value)).toContain('as /w/member_<sequence>, gone 10 s after');
});

describe('refused are', () => {
  test.each<[string, string, readonly string[]]>([
    [
      'flat keys beside reporters',
      web('{type: file}', '    reporter_type: zookeeper\n    zk_path: /w'),
      [
        'n.yaml:9:5: services.web.reporter_type: either here or in an entry of services.web.reporters, not both',
        'n.yaml:10:5: services.web.zk_path: either here or in an entry of services.web.reporters, not both',
      ],
    ],
    [
      'keys that an entry lacks, and those of another type',
      web('{type: zookeeper, path: x}'),
      [
        "n.yaml:8:35: services.web.reporters[0].path: only for reporter_type file; this service's is zookeeper",
        'n.yaml:8:17: services.web.reporters[0].zk_path: missing; expected a path such as /services/web',
      ],
    ],
    [
      'an entry without a type',
      web('{path: x}'),
      [
        'n.yaml:8:17: services.web.reporters[0].type: missing; expected one of zookeeper, file, etcd, consul',
      ],
    ],
    [
      'two of one name',
      web('{type: file}, {type: zookeeper, zk_path: /w, name: file}'),
      ['n.yaml:8:62: services.web.reporters[1].name: reporters[0] is called file as well'],
    ],
    [
      'a server set whose members are no numbered nodes',
      web(
        '{type: zookeeper, zk_path: /w, encode: {method: serverset}, node_type: ephemeral, use_path_encoding: true}',
      ),
      [
        'n.yaml:8:99: services.web.reporters[0].use_path_encoding: not with encode: {method: serverset}',
        'n.yaml:8:77: services.web.reporters[0].node_type: members of a server set are numbered; expected ephemeral_sequential or persistent_sequential',
      ],
    ],
    [
      'one place twice',
      web('{type: file}, {type: file, path: web/}'),
      ['n.yaml:8:31: services.web.reporters[1]: the same place as reporters[0]'],
    ],
    ['none', web(''), ['n.yaml:8:5: services.web.reporters: expected at least 1 items, got []']],
    [
      'an address that another service announces at one of the places',
      `${web('{type: zookeeper, zk_path: /w}, {type: file, path: web}')}  api: {host: h, port: 1, reporter_type: file, path: web}`,
      [
        'n.yaml:7:5: services.web.port: services.api announces h:1 at web as well',
        'n.yaml:9:18: services.api.port: services.web announces h:1 at web as well',
      ],
    ],
  ])('%s', (_, services, problems) => {
    let found: readonly string[] = [];
    try {
      parse(services);
    } catch (error) {
      ({ problems: found } = error as { problems: readonly string[] });
    }
    expect(found).toEqual(problems);
  });
});
