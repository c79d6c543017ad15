import { expect, test } from 'vitest';

import { circleThrough } from './circle.ts';

const leads = new Map(
  Object.entries({ a: ['b'], b: ['c', 'd'], c: ['a'], d: ['d', 'e'], e: ['b'] }).map(
    ([name, to]) => [name, new Set(to)] as const,
  ),
);

test.each([
  ['a', 'b', ['a', 'b', 'c', 'a']],
  ['c', 'a', ['c', 'a', 'b', 'c']],
  ['b', 'd', ['b', 'd', 'e', 'b']],
  ['d', 'd', undefined],
  ['x', 'a', undefined],
] as const)('from %s by %s', (service, next, circle) => {
  expect(circleThrough(service, next, leads)).toEqual(circle);
});
