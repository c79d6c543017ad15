import { describe, expect, test } from 'vitest';
import { z } from 'zod';

import { ConfigError, parseSource } from './source.ts';
import { validate } from './validate.ts';

const guard = z.strictObject({ fraction: z.number().optional() });
const service = z.strictObject({
  port: z.int(),
  leader_election: z.boolean().default(false),
  shrink_guard: z.union([z.literal(false), guard]).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  check: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('tcp') }),
      z.strictObject({ type: z.literal('http'), uri: z.string() }),
    ])
    .optional(),
});
const schema = z.strictObject({
  instance_id: z.string().optional(),
  services: z.record(z.string(), service),
});

function read(text: string, strict = false) {
  const warnings: string[] = [];
  const value = validate(schema, parseSource('c.yaml', text), {
    strict,
    warn: (warning) => warnings.push(warning),
  });
  return { value, warnings };
}

const problemsOf = (text: string, strict = false) => {
  try {
    return read(text, strict).warnings;
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};

describe('keys that are not known', () => {
  test('those that begin with _ or x- are ignored, wherever they stand', () => {
    const text = `_comment: a\nx-note: {any: thing}\nservices:\n  _why: b\n  web: {_c: 1, port: 1, check: {type: tcp, x-y: 2}, shrink_guard: {_z: 1}}`;
    expect(read(text)).toEqual({
      value: {
        services: {
          web: { port: 1, leader_election: false, check: { type: 'tcp' }, shrink_guard: {} },
        },
      },
      warnings: [],
    });
    expect(problemsOf(text, true)).toEqual([]);
  });

  test('names of users’ own that begin so are names', () => {
    const { value } = read('services: {x-ray: {port: 1, labels: {_a: b, x-c: d}}}');
    expect(value.services['x-ray']?.labels).toEqual({ _a: 'b', 'x-c': 'd' });
  });

  const far = 'zk_cluster_name: main\nservices: {web: {port: 1, check: {type: tcp, uri: /x}}}';
  test('any other is ignored with a warning that has its place', () => {
    expect(read(far)).toEqual({
      value: { services: { web: { port: 1, leader_election: false, check: { type: 'tcp' } } } },
      warnings: [
        'c.yaml:2:46: services.web.check.uri: unknown key, ignored; known here: type',
        'c.yaml:1:1: zk_cluster_name: unknown key, ignored; known here: instance_id, services',
      ],
    });
  });

  test('and an error where no unknown key is taken', () => {
    expect(problemsOf(far, true)).toEqual([
      'c.yaml:2:46: services.web.check.uri: unknown key; known here: type',
      'c.yaml:1:1: zk_cluster_name: unknown key; known here: instance_id, services',
    ]);
  });

  test('one that is near a known key is an error', () => {
    expect(problemsOf('services: {web: {prot: 1, port: 1}}')).toEqual([
      'c.yaml:1:18: services.web.prot: unknown key; did you mean port?',
    ]);
  });
});

describe('names that JavaScript treats specially', () => {
  test('__proto__ is an error, wherever it stands, and never dropped', () => {
    expect(problemsOf('services:\n  web: {port: 1}\n  __proto__: {port: 2}')).toEqual([
      'c.yaml:3:3: __proto__ cannot be a name or a key',
    ]);
    expect(problemsOf('{"services": {"web": {"port": 1, "labels": {"__proto__": "a"}}}}')).toEqual([
      'c.yaml:1:45: __proto__ cannot be a name or a key',
    ]);
  });

  test('others are names like any', () => {
    const { value } = read(
      'services: {constructor: {port: 1}, toString: {port: 2, labels: {valueOf: a}}}',
    );
    expect(Object.keys(value.services)).toEqual(['constructor', 'toString']);
    expect(value.services.toString).toMatchObject({ port: 2, labels: { valueOf: 'a' } });
  });
});

describe('what YAML 1.1 and Ruby took', () => {
  test.each([
    ['yes', true],
    ['On', true],
    ['no', false],
    ['OFF', false],
    ['True', true],
  ])('%s where true or false is expected', (word, expected) => {
    const text = `services: {web: {port: 1, leader_election: ${word}}}`;
    expect(read(text).value.services.web?.leader_election).toBe(expected);
  });

  test('where only false is taken beside a mapping', () => {
    expect(read('services: {web: {port: 1, shrink_guard: off}}').value.services.web).toMatchObject({
      shrink_guard: false,
    });
  });

  test('as a name it stays a word, and in quotes it is text', () => {
    expect(read('services: {no: {port: 1, labels: {on: yes}}}').value.services.no?.labels).toEqual({
      on: 'yes',
    });
    expect(problemsOf('services: {web: {port: 1, leader_election: "yes"}}')).toEqual([
      'c.yaml:1:27: services.web.leader_election: expected true or false, got "yes"',
    ]);
  });

  test.each(['123', '0123', '1e3', '1.50'])(
    'the number %s as a name is taken as it was written',
    (text) => {
      expect(read(`instance_id: ${text}\nservices: {}`).value.instance_id).toBe(text);
    },
  );

  test('from an anchor, too', () => {
    const text = `x-a: &a {labels: &l {shard: 007}, port: 1}\nservices: {web: {<<: *a}, api: {port: 2, labels: *l}}`;
    const { services } = read(text).value;
    expect([services.web?.labels, services.api?.labels]).toEqual([
      { shard: '007' },
      { shard: '007' },
    ]);
  });
});
