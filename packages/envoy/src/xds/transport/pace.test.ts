import { expect, test } from 'vitest';

import { createPace } from './pace.ts';

test('so many go on at once, then so many in a second', () => {
  const pace = createPace(10, 50);
  const pauses = Array.from({ length: 12 }, () => pace.count(0));
  expect(pauses).toEqual([...Array.from({ length: 10 }, () => 0), 20, 40]);
});

test('who was quiet for a while may send as many again, and no more', () => {
  const pace = createPace(10, 50);
  for (let count = 0; count < 10; count++) pace.count(0);
  const later = Array.from({ length: 11 }, () => pace.count(60_000));
  expect(later.filter((pause) => pause > 0)).toHaveLength(1);
});

test('a flood at any pace is brought down to the one that is set', () => {
  const pace = createPace(10, 50);
  let time = 0;
  for (let count = 0; count < 510; count++) time += pace.count(time);
  expect(time).toBeGreaterThanOrEqual(9_900);
  expect(time).toBeLessThan(10_500);
});
