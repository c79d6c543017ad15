import { expect, test } from 'vitest';

import { createPace } from './pace.ts';

test('the first reload waits for nothing, the next for the interval and its jitter', () => {
  const pace = createPace(() => ({ interval: 2_000, jitter: 0.5 }));
  expect(pace.next).toBe(0);
  const now = performance.now();
  pace.trying(false);
  expect(pace.next - now).toBeGreaterThanOrEqual(2_000);
  expect(pace.next - now).toBeLessThanOrEqual(3_010);
});

test('reloads that fail are tried ever more rarely until one succeeds', () => {
  const pace = createPace(() => ({ interval: 1_000, jitter: 0 }));
  const waits = [0, 0, 0].map(() => {
    pace.trying(false);
    return Math.round((pace.next - performance.now()) / 1_000);
  });
  expect(waits).toEqual([1, 2, 4]);
  pace.succeeded();
  pace.trying(false);
  expect(Math.round((pace.next - performance.now()) / 1_000)).toBe(1);
});

test('a dead HAProxy is started at once, and later and later when it keeps dying', () => {
  const pace = createPace(() => ({ interval: 60_000, jitter: 0 }));
  const waits = [0, 0, 0, 0].map(() => {
    pace.trying(true);
    pace.succeeded();
    pace.dead();
    return Math.max(0, pace.next - performance.now());
  });
  expect(waits[0]).toBe(0);
  expect(waits[3]).toBeGreaterThan(waits[2] ?? 0);
  expect(waits[3]).toBeLessThan(30_000);
});
