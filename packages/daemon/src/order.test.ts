import { expect, test } from 'vitest';

import { placeIn } from './order.ts';

test.each([
  [[], 5, 0],
  [[5], 5, 0],
  [[1, 3, 7], 0, 0],
  [[1, 3, 7], 3, 1],
  [[1, 3, 7], 4, 2],
  [[1, 3, 7], 8, 3],
])('in %j the place of %d is %d', (list: number[], item, place) => {
  expect(placeIn(list, (other) => other < item)).toBe(place);
});
