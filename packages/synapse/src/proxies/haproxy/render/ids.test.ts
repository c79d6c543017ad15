import { expect, test } from 'vitest';

import { assignIds } from './ids.ts';

const max = 268_435_455;
const servers = (...names: string[]) => names.map((name) => ({ name }));

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

test('a wanted id is given where it is free', () => {
  const wanted = [
    { name: 'a', wantedId: 5 },
    { name: 'b', wantedId: 5 },
  ];
  expect([...assignIds(wanted, new Map(), max).values()]).toEqual([5, 6]);
});
