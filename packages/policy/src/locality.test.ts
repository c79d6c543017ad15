import { expect, test } from 'vitest';

import { levelsOf, localitySchema, nearest } from './locality.ts';

const member = (name: string, zone?: string) => ({
  host: '10.0.0.1',
  port: 80,
  name,
  ...(zone !== undefined && { labels: { zone } }),
});
const locality = localitySchema.parse({ from: 'labels.zone', prefer: ['a', 'b'] });
const [a1, a2, b1, c1, none] = [
  member('a1', 'a'),
  member('a2', 'a'),
  member('b1', 'b'),
  member('c1', 'c'),
  member('none'),
];

test.each([
  ['the nearest alone, where they suffice', [a1, a2, b1, c1], 2, ['a1', 'a2']],
  ['the next level beside them, where they do not', [c1, b1, a1], 2, ['a1', 'b1']],
  ['level by level, as far as need be', [c1, none, a1], 2, ['a1', 'c1', 'none']],
  ['the next level, where nobody is near', [c1, b1], 1, ['b1']],
  ['all there are, where all are too few', [a1, b1], 9, ['a1', 'b1']],
  ['nobody, where nobody is', [], 1, []],
])('serves %s', (_, members, enough, expected) => {
  expect(nearest(members, locality, enough).map(({ name }) => name)).toEqual(expected);
});

test('a member of another value, or without the label, is furthest away', () => {
  const names = levelsOf([none, c1, b1, a1], locality).map((level) => level.map((m) => m.name));
  expect(names).toEqual([['a1'], ['b1'], ['none', 'c1']]);
});

test('an inherited property of labels is no label', () => {
  const strange = localitySchema.parse({ from: 'labels.constructor', prefer: 'x' });
  expect(levelsOf([a1], strange)).toEqual([[], [a1]]);
});

test.each([
  ['members<2', 2],
  ['members < 10', 10],
  ['down', 'down'],
  [undefined, 1],
])('spill %s is %s', (spill, expected) => {
  const parsed = localitySchema.parse({ from: 'labels.zone', prefer: 'a', spill });
  expect(parsed).toEqual({ from: 'zone', prefer: ['a'], spill: expected });
});

test.each(['members<0', 'members', 'up', 'members<-1'])('spill %s is refused', (spill) => {
  expect(localitySchema.safeParse({ from: 'labels.zone', prefer: 'a', spill }).success).toBe(false);
});
