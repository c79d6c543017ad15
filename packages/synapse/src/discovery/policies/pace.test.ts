import { expect, test } from 'vitest';

import type { Discovery } from '../discovery.ts';
import { withPace } from './pace.ts';

const discovery: Discovery = async function* (signal) {
  while (!signal.aborted) yield [];
};

test('lists come no faster than the pace, the first one at once', async () => {
  const ended = new AbortController();
  const start = performance.now();
  const times: number[] = [];
  for await (const _ of withPace(discovery, 40)(ended.signal)) {
    times.push(performance.now() - start);
    if (times.length === 3) ended.abort();
  }
  expect(times[0]).toBeLessThan(40);
  expect(times[2]).toBeGreaterThan(75);
});

test('no pace is no change', () => {
  expect(withPace(discovery, undefined)).toBe(discovery);
});
