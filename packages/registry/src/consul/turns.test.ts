import { expect, test } from 'vitest';

import { createPace } from './turns.ts';

test('some are let through at once, the next one waits, and its wait ends with its signal', async () => {
  const ended = new AbortController();
  const pace = createPace(3, 60_000);
  for (let time = 0; time < 3; time += 1) await pace(ended.signal);
  const waiting = pace(ended.signal);
  ended.abort();
  await expect(waiting).rejects.toThrow();
});

test('who waited long enough is let through again', async () => {
  const { signal } = new AbortController();
  const pace = createPace(1, 40);
  const start = performance.now();
  for (let time = 0; time < 3; time += 1) await pace(signal);
  // Two intervals, less what a timer may be early.
  expect(performance.now() - start).toBeGreaterThan(75);
});
