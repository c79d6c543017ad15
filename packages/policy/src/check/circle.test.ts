import { expect, test } from 'vitest';

import { circleThrough } from './circle.ts';

const ways: Readonly<Record<string, readonly string[]>> = {
  a: ['b'],
  b: ['c', 'd'],
  c: ['a'],
  d: ['d', 'e'],
  e: ['b'],
};
const leads = (service: string) => ways[service] ?? [];

test.each([
  ['a', 'b', ['a', 'b', 'c', 'a']],
  ['c', 'a', ['c', 'a', 'b', 'c']],
  ['b', 'd', ['b', 'd', 'e', 'b']],
  ['d', 'd', undefined],
  ['x', 'a', undefined],
] as const)('from %s by %s', (service, next, circle) => {
  expect(circleThrough(service, next, leads)).toEqual(circle);
});
