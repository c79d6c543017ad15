import { describe, expect, test } from 'vitest';

import { parseRegistryPolicy } from './registry-policy.ts';

const parse = (text: string, trusted = false) =>
  parseRegistryPolicy('/services/web', Buffer.from(text), trusted);

test.each(['', '{}', '{"haproxy": {}}', '{"policy": null}', '[]', '5'])(
  '%s says nothing',
  (text) => {
    expect(parse(text)).toBeUndefined();
  },
);

test('a node that is not there says nothing', () => {
  expect(parseRegistryPolicy('/services/web', undefined, false)).toBeUndefined();
});

test('of what is no JSON nobody can tell', () => {
  expect(parse('{')).toEqual({ problems: [] });
});

test('a policy is read by the words of files', () => {
  expect(parse('{"haproxy": {"x": 1}, "policy": {"timeouts": {"request": "5s"}}}')).toEqual({
    policy: { timeouts: { request: 5000 } },
  });
});

describe('a bad policy is refused with its place in the data', () => {
  test.each([
    [
      '{"policy": {"timeouts": {"conect": "1s"}}}',
      'zookeeper:/services/web:1:26: policy.timeouts.conect: unknown key; did you mean connect?',
    ],
    ['{"policy": []}', 'zookeeper:/services/web:1:2: policy: expected a mapping, got []'],
    [
      '{\n  "policy": {"something_else": 1}\n}',
      'zookeeper:/services/web:2:14: policy.something_else: unknown key; known here: access_log, allow, balance, hedge, limits, outlier_ejection, panic, request_id, retries, routes, slo, slow_start, timeouts, trace',
    ],
    [
      '{"policy": {"access_log": {"format": "%[env(SECRET)]"}}}',
      'zookeeper:/services/web:1:28: policy.access_log.format: not from the registry (trust_registry_config)',
    ],
  ])('%s', (text, problem) => {
    expect(parse(text)).toEqual({ problems: [problem] });
  });
});

test('a log format is taken from a registry that is trusted', () => {
  const format = { access_log: { format: '%ci' } };
  expect(parse(JSON.stringify({ policy: format }), true)).toEqual({ policy: format });
});
