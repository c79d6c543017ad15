import type { Instance } from '@smartstack/registry';
import { expect, test } from 'vitest';

import { chooseMembers, type FallbackPolicy, withFallback } from './fallback.ts';

const [a, b, c]: Instance[] = [
  { host: 'a', port: 1 },
  { host: 'b', port: 1 },
  { host: 'c', port: 1 },
] as const as [Instance, Instance, Instance];
const plain = { defaultServers: [], keepDefaultServers: false, usePreviousBackends: true };
const list = (...instances: (Instance | undefined)[]) => instances.filter((i) => i !== undefined);

test.each<[string, Partial<FallbackPolicy>, Instance[], Instance[], Instance[]]>([
  ['listed members are served', {}, list(a), list(b, c), list(b, c)],
  ['an empty list keeps the previous members', {}, list(a), [], list(a)],
  ['an empty list without previous members is empty', {}, [], [], []],
  ['an empty list empties when told so', { usePreviousBackends: false }, list(a), [], []],
  ['an empty list falls back to the defaults', { defaultServers: list(c) }, list(a), [], list(c)],
  [
    'defaults are left out while others are there',
    { defaultServers: list(c) },
    [],
    list(a),
    list(a),
  ],
  [
    'kept defaults stand beside others',
    { defaultServers: list(c), keepDefaultServers: true },
    [],
    list(a),
    list(a, c),
  ],
  [
    'the same backend twice is one',
    {},
    [],
    [
      { host: 'a', port: 1, id: 'x' },
      { host: 'a', port: 1, id: 'y' },
    ],
    [{ host: 'a', port: 1, id: 'x' }],
  ],
  [
    'another name is another backend',
    {},
    [],
    [
      { host: 'a', port: 1, name: 'x' },
      { host: 'a', port: 1, name: 'y' },
    ],
    [
      { host: 'a', port: 1, name: 'x' },
      { host: 'a', port: 1, name: 'y' },
    ],
  ],
])('%s', (_, policy, previous, listed, expected) => {
  expect(chooseMembers(previous, listed, { ...plain, ...policy })).toEqual(expected);
});

test('a discovery with a fallback keeps what it served', async () => {
  const discovery = withFallback(async function* () {
    yield list(a, b);
    yield [];
    yield list(c);
  }, plain);
  const lists: (readonly Instance[])[] = [];
  for await (const each of discovery(new AbortController().signal)) lists.push(each);
  expect(lists).toEqual([list(a, b), list(a, b), list(c)]);
});
