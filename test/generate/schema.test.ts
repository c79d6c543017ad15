import { access, readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';

import { type Daemon, schemaOf, schemaOfDaemon } from '../support/json-schema.ts';

const examples = (await readdir('examples', { recursive: true }))
  .map((name) => `examples/${name}`)
  .flatMap((file): [string, Daemon][] => {
    const daemon = /\/(nerve|synapse)[^/]*\.(yaml|json)$/.exec(file)?.[1];
    return daemon === 'nerve' || daemon === 'synapse' ? [[file, daemon]] : [];
  });

test('what is generated is not stale, and every key is documented', async () => {
  const { all, exitCode } = await execa('npm', ['run', '--silent', 'generate', '--', '--check'], {
    all: true,
    reject: false,
  });
  expect(all).toBe('');
  expect(exitCode).toBe(0);
});

describe('every configuration in examples/', () => {
  test.for(examples)('%s is valid by the JSON Schema', async ([file, daemon]) => {
    const complaints = await schemaOfDaemon(daemon);
    expect(complaints(await readFile(file, 'utf8'))).toEqual([]);
  });

  test.for(examples.filter(([file]) => file.endsWith('.yaml')))(
    '%s names its schema for editors',
    async ([file, daemon]) => {
      const [first = ''] = (await readFile(file, 'utf8')).split('\n');
      const named = /^# yaml-language-server: \$schema=(\S+)$/.exec(first)?.[1] ?? '';
      expect(relative('.', join(dirname(file), named))).toBe(
        `packages/${daemon}/${daemon}.schema.json`,
      );
      await access(join(dirname(file), named));
    },
  );
});

describe('a key that the daemon does not know is refused', () => {
  const good: Readonly<Record<Daemon, object>> = {
    nerve: {
      instance_id: 'a',
      zookeeper: { hosts: 'zk:2181' },
      services: {
        web: { host: 'h', port: 80, zk_path: '/web', checks: [{ type: 'http', uri: '/' }] },
      },
    },
    synapse: {
      zookeeper: { hosts: 'zk:2181' },
      services: {
        web: {
          discovery: { method: 'zookeeper', path: '/web' },
          haproxy: { port: 3213 },
          default_servers: [{ host: 'h', port: 1 }],
        },
      },
      haproxy: { on_exit: 'stop' },
    },
  };

  test.for(['nerve', 'synapse'] as const)('%s, at every level', async (daemon) => {
    const complaints = await schemaOfDaemon(daemon);
    expect(complaints(stringify(good[daemon]))).toEqual([]);
    const misspelt = withStrangers(good[daemon]);
    expect(misspelt.length).toBeGreaterThan(3);
    for (const each of misspelt) expect(complaints(stringify(each)).join()).toContain('"strange"');
  });
});

describe('what a key may hold', () => {
  const nerve = (service: string) =>
    `{instance_id: a, services: {web: {host: h, port: 1, zk_path: /w, ${service}}}}`;
  test.for([
    ['seconds', nerve('check_interval: 0.5'), true],
    ['text with a unit', nerve('check_interval: 500ms'), true],
    ['a word for a time', nerve('check_interval: fast'), false],
    ['a time that is too short', nerve('check_interval: 0.001'), false],
    ['a port as text', nerve('checks: [{type: tcp, port: "80"}]'), true],
    ['a port that is none', nerve('checks: [{type: tcp, port: 70000}]'), false],
    ["another check's key", nerve('checks: [{type: tcp, uri: /}]'), false],
    ['a check of an unknown type', nerve('checks: [{type: htp}]'), false],
    ['statuses', nerve('checks: [{type: http, uri: /, status: [200, 204-299]}]'), true],
    ['a status that is none', nerve('checks: [{type: http, uri: /, status: [99]}]'), false],
    ['services in a folder alone', '{instance_id: a, service_conf_dir: conf.d}', true],
    ['services nowhere', '{instance_id: a}', false],
    ['the schema that JSON files name', '{$schema: x, instance_id: a, services: {}}', true],
  ] as const)('%s', async ([, text, accepted]) => {
    const complaints = await schemaOfDaemon('nerve');
    expect(complaints(text).length === 0).toBe(accepted);
  });
});

test('a file of service_conf_dir has a schema of its own', async () => {
  const nerve = await schemaOf('packages/nerve/nerve-service.schema.json');
  const synapse = await schemaOf('packages/synapse/synapse-service.schema.json');
  expect(nerve('{host: h, port: 1, zk_path: /w}')).toEqual([]);
  expect(nerve('{port: 1}')).toHaveLength(1);
  expect(synapse('{discovery: {method: file}}')).toEqual([]);
  expect(synapse('{discovery: {method: fiel}}')).not.toEqual([]);
});

test.for(['nerve', 'synapse'])('%s ships its schemas', async (daemon) => {
  const text = await readFile(`packages/${daemon}/package.json`, 'utf8');
  expect((parse(text) as { files: string[] }).files).toContain('*.schema.json');
});

/** The value with a strange key added, once for each mapping in it whose keys are fixed. */
function withStrangers(value: unknown, path: readonly string[] = []): readonly unknown[] {
  if (Array.isArray(value))
    return value.flatMap((each, index) =>
      withStrangers(each, [...path, '[]']).map((strange) => value.with(index, strange)),
    );
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([key, each]) =>
    withStrangers(each, [...path, key]).map((strange) => ({ ...value, [key]: strange })),
  );
  return path.at(-1) === 'services' ? inner : [{ ...value, strange: 1 }, ...inner];
}
