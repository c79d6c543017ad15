import { expect, test } from 'vitest';

import { createPace } from './turns.ts';

test('some are let through at once, and the next one later', async () => {
  const { signal } = new AbortController();
  const pace = createPace(3, 40);
  const start = performance.now();
  for (let time = 0; time < 3; time += 1) await pace(signal);
  const burst = performance.now() - start;
  for (let time = 0; time < 2; time += 1) await pace(signal);
  // Two intervals, less what passed meanwhile.
  expect(performance.now() - start).toBeGreaterThan(75);
  expect(burst).toBeLessThan(40);
});

test('a wait ends with its signal', async () => {
  const ended = new AbortController();
  const pace = createPace(1, 60_000);
  await pace(ended.signal);
  const waiting = pace(ended.signal);
  ended.abort();
  await expect(waiting).rejects.toThrow();
});
