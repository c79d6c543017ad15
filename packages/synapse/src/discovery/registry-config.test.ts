import { expect, test } from 'vitest';

import { parseRegistryConfig } from './registry-config.ts';

const trust = (trusted: boolean) => new Map([['haproxy', trusted]]);

function parse(value: unknown, trusted = false) {
  const data = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  const { overrides, refused } = parseRegistryConfig(data, trust(trusted));
  return { overrides: overrides.haproxy ?? {}, refused: refused.get('haproxy') ?? [] };
}

test.each([
  ['no node', undefined],
  ['an empty node', Buffer.alloc(0)],
  ['a node for another generator', Buffer.from('{"nginx":{}}')],
])('%s says nothing', (_, data) => {
  const { overrides, refused } = parseRegistryConfig(data, trust(false));
  expect(overrides).toEqual({});
  expect([...refused.values()].flat()).toEqual([]);
});

test('choices are taken', () => {
  const { overrides, refused } = parse({
    haproxy: { backend_order: 'asc', use_nerve_weights: true, drain_timeout: 5 },
  });
  expect(overrides).toEqual({ backend_order: 'asc', use_nerve_weights: true, drain_timeout: 5000 });
  expect(refused).toEqual([]);
});

test('raw lines and addresses are taken only from a trusted registry', () => {
  const data = {
    haproxy: { listen: ['mode http'], server_options: 'check', port: 80, backend_order: 'desc' },
  };
  const reason = 'not from the registry (trust_registry_config)';
  expect(parse(data)).toEqual({
    overrides: { backend_order: 'desc' },
    refused: ['listen', 'server_options', 'port'].map((key) => `haproxy.${key}: ${reason}`),
  });
  expect(parse(data, true)).toEqual({ overrides: data.haproxy, refused: [] });
});

test.each([
  ['{', 'not a JSON object with haproxy in it'],
  ['[]', 'not a JSON object with haproxy in it'],
  ['{"haproxy":5}', 'not a JSON object with haproxy in it'],
  ['{"haproxy":{"bakend_order":"asc"}}', 'haproxy.bakend_order: unknown key'],
  ['{"haproxy":{"toString":"asc"}}', 'haproxy.toString: unknown key'],
])('%s is left out', (text, reason) => {
  expect(parse(text)).toEqual({ overrides: {}, refused: [reason] });
});

test('one bad value does not spoil the others', () => {
  const { overrides, refused } = parse({
    haproxy: { backend_order: 'up', use_nerve_weights: true },
  });
  expect(overrides).toEqual({ use_nerve_weights: true });
  expect(refused).toHaveLength(1);
});

test('nothing is taken for a proxy that is not to be run', () => {
  const data = Buffer.from(JSON.stringify({ haproxy: { backend_order: 'asc' } }));
  expect(parseRegistryConfig(data, new Map())).toEqual({ overrides: {}, refused: new Map() });
});
