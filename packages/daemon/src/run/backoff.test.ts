import { expect, test } from 'vitest';

import { createBackoff, delayOf } from './backoff.ts';

test.each([
  [0, 0, 50],
  [0, 1, 100],
  [1, 1, 200],
  [3, 0.5, 600],
  [4, 1, 1000],
  [1000, 1, 1000],
])('delay %i with random %f is %i', (attempt, random, expected) => {
  expect(delayOf(attempt, { base: 100, max: 1000 }, random)).toBe(expected);
});

test('waiting ends when the signal aborts', async () => {
  const abort = new AbortController();
  const wait = createBackoff({ base: 60_000, max: 60_000 }).wait(abort.signal);
  abort.abort();
  await expect(wait).rejects.toThrow(/aborted/);
});
