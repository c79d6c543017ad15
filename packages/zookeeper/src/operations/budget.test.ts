import { expect, test } from 'vitest';

import { createBudget } from './budget.ts';

test('a burst at once, then a steady rate, and never more than a burst', () => {
  let now = 0;
  const budget = createBudget({ perSecond: 10, burst: 3 }, () => now);
  const taken = () => [1, 2, 3, 4].map(() => budget.take());
  expect(taken()).toEqual([true, true, true, false]);
  expect(budget.wait()).toBe(100);
  now = 250;
  expect(taken()).toEqual([true, true, false, false]);
  now = 1_000_000;
  expect(taken()).toEqual([true, true, true, false]);
});

test('without limits there is always a token', () => {
  const budget = createBudget(undefined);
  for (let n = 0; n < 10_000; n++) expect(budget.take()).toBe(true);
  expect(budget.wait()).toBe(0);
});
