import { expect, test } from 'vitest';

import { weightAfter } from './warmup.ts';

test.each([
  [0, { weight: 10, next: 3000 }],
  [2999, { weight: 10, next: 1 }],
  [3000, { weight: 20, next: 3000 }],
  [14_999, { weight: 50, next: 1 }],
  [27_000, { weight: 100 }],
  [1_000_000, { weight: 100 }],
])('%i ms after it came up, a weight of 100 that warms up over 30 s is %j', (elapsed, expected) => {
  expect(weightAfter(elapsed, 30_000, 100)).toEqual(expected);
});

test('a small weight is never less than 1', () => {
  expect(weightAfter(0, 1000, 2)).toEqual({ weight: 1, next: 100 });
});
