import { expect, test } from 'vitest';

import { assignIds } from './ids.ts';

const max = 268_435_455;
const servers = (...names: string[]) => names.map((name) => ({ name }));

const hashOf = (name: string) => assignIds(servers(name), new Map(), max).get(name) ?? 0;

test('a name has one id everywhere, whatever is beside it', () => {
  const alone = assignIds(servers('b'), new Map(), max).get('b');
  expect(assignIds(servers('a', 'b', 'c'), new Map(), max).get('b')).toBe(alone);
});

test('a name keeps the id that HAProxy has for it', () => {
  expect(assignIds(servers('a'), new Map([['a', 7]]), max).get('a')).toBe(7);
});

test('taken ids are probed past, up to the last one', () => {
  const ids = assignIds(servers('a', 'b', 'c'), new Map([['x', 2]]), 4);
  expect(new Set([...ids.values(), 2]).size).toBe(4);
  expect(Math.max(...ids.values())).toBeLessThanOrEqual(4);
});

test('a record gets the id that it asks for', () => {
  const asking = [{ name: 'a', wantedId: 77 }, { name: 'b' }];
  expect(assignIds(asking, new Map(), max).get('a')).toBe(77);
  expect(assignIds(asking, new Map(), max).get('b')).toBe(hashOf('b'));
});

test('of two records that ask for one id the first by name gets it, in whatever order; the other has its hash', () => {
  const asking = [
    { name: 'a', wantedId: 5 },
    { name: 'b', wantedId: 5 },
  ];
  for (const order of [asking, asking.toReversed()]) {
    const ids = assignIds(order, new Map(), max);
    expect([ids.get('a'), ids.get('b')]).toEqual([5, hashOf('b')]);
  }
});

test.each([
  [
    'is the hash of another server',
    [{ name: 'a', wantedId: hashOf('b') }, { name: 'b' }],
    new Map(),
  ],
  ['HAProxy has for another server', [{ name: 'a', wantedId: 5 }], new Map([['x', 5]])],
  ['is beyond max_server_id', [{ name: 'a', wantedId: max + 1 }], new Map()],
  ['is 0', [{ name: 'a', wantedId: 0 }], new Map()],
])('an id that %s is not given: the server has its hash', (_, asking, known) => {
  expect(assignIds(asking, known, max).get('a')).toBe(hashOf('a'));
});
