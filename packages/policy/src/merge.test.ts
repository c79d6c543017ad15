import { expect, test } from 'vitest';

import { mergePolicy, originOf, type PolicyLayer } from './merge.ts';

/** Merging asks for no certain words. */
const merged = (layers: readonly { readonly origin: string; readonly policy: object }[]) =>
  mergePolicy(layers as readonly PolicyLayer[]);

test('a stronger layer wins key by key, whatever the order, and each word has its origin', () => {
  const { policy, origins } = merged([
    { origin: 'service', policy: { timeouts: { request: 5000 } } },
    { origin: 'built-in', policy: { timeouts: { connect: 1000, request: 30_000 }, balance: 'a' } },
    { origin: 'registry', policy: { timeouts: { connect: 250 } } },
    { origin: 'defaults', policy: { timeouts: { connect: 500, idle: 60_000 } } },
  ]);
  expect(policy).toEqual({
    timeouts: { connect: 250, request: 5000, idle: 60_000 },
    balance: 'a',
  });
  expect(Object.fromEntries(origins)).toEqual({
    'timeouts.connect': 'registry',
    'timeouts.request': 'service',
    'timeouts.idle': 'defaults',
    balance: 'built-in',
  });
});

test.each([
  ['a list is taken whole', { on: ['a', 'b'] }, { on: ['c'] }, { on: ['c'] }],
  ['null is a value', { on: ['a'] }, { on: null }, { on: null }],
  ['what is left out says nothing', { on: 1 }, { on: undefined }, { on: 1 }],
  [
    'a mapping in place of text',
    { balance: 'a' },
    { balance: { hash: 'x' } },
    { balance: { hash: 'x' } },
  ],
  [
    'another choice',
    { balance: { ring_hash: 'x' } },
    { balance: { maglev: 'x' } },
    { balance: { maglev: 'x' } },
  ],
  ['text in place of a mapping', { balance: { hash: 'x' } }, { balance: 'a' }, { balance: 'a' }],
])('%s', (_, defaults, service, expected) => {
  const { policy, origins } = merged([
    { origin: 'defaults', policy: defaults },
    { origin: 'service', policy: service },
  ]);
  expect(policy).toEqual(expected);
  expect(origins.size).toBe(1);
});

test('a word called __proto__ is a word like any other', () => {
  const word = JSON.parse('{"__proto__": {"a": 1}}');
  const { policy, origins } = merged([{ origin: 'service', policy: word }]);
  expect(JSON.stringify(policy)).toBe('{"__proto__":{"a":1}}');
  expect([...origins]).toEqual([['__proto__.a', 'service']]);
});

test('where the registry is the strongest its words win over the service’s', () => {
  const layers = [
    { origin: 'service', policy: { timeouts: { connect: 1, idle: 2 } } },
    { origin: 'registry', policy: { timeouts: { connect: 3 } } },
  ] as unknown as readonly PolicyLayer[];
  const { policy, origins } = mergePolicy(layers, 'registry');
  expect(policy).toEqual({ timeouts: { connect: 3, idle: 2 } });
  expect(Object.fromEntries(origins)).toEqual({
    'timeouts.connect': 'registry',
    'timeouts.idle': 'service',
  });
});

test('the origin of a part of a word is that of the word', () => {
  const found = merged([
    { origin: 'defaults', policy: { routes: [{ to: [] }], timeouts: { idle: 1 } } },
    { origin: 'service', policy: { timeouts: { connect: 1 } } },
  ]);
  expect(originOf(found, ['routes', 0, 'to'])).toBe('defaults');
  expect(originOf(found, ['timeouts', 'connect'])).toBe('service');
  expect(originOf(found, ['timeouts'])).toBe('service');
  expect(originOf(found, ['panic'])).toBeUndefined();
});
