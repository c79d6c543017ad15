import fc from 'fast-check';
import { expect, test } from 'vitest';

import { differenceOf, placeIn } from './order.ts';

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

test('two lists of different items differ by what one has and the other has not', () => {
  const items = fc.uniqueArray(fc.integer({ min: 0, max: 30 }));
  fc.assert(
    fc.property(items, items, (before, now) => {
      const { gone, added } = differenceOf(before, now);
      expect(gone).toEqual(before.filter((item) => !now.includes(item)));
      expect(added).toEqual(now.filter((item) => !before.includes(item)));
    }),
  );
});

test('an item that is there twice, and was there once, has come', () => {
  expect(differenceOf(['a', 'b'], ['a', 'a', 'b'])).toEqual({ gone: [], added: ['a'] });
});
