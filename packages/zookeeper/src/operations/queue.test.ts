import { expect, test } from 'vitest';

import { createQueue } from './queue.ts';

test('first in, first out, also across its inner clearing', () => {
  const queue = createQueue<number>();
  for (let n = 0; n < 5_000; n++) queue.push(n);
  for (let n = 0; n < 3_000; n++) expect(queue.shift()).toBe(n);
  queue.prepend([-2, -1]);
  expect(queue.length).toBe(2_002);
  expect([queue.shift(), queue.shift(), queue.shift()]).toEqual([-2, -1, 3_000]);
  queue.filter((n) => n % 1_000 === 0);
  expect(queue.drain()).toEqual([4_000]);
  expect(queue.length).toBe(0);
  expect(queue.shift()).toBeUndefined();
});
