import { expect, test } from 'vitest';

import { type Damping, damp, undamped } from './damping.ts';

const limits = { changes: 4, window: 1000, hold: 100, maxHold: 400 };

/** Changes at the given times, alternately to down and to up, the first one to down. */
function after(times: readonly number[]): Damping {
  return times.reduce((state, time, index) => damp(state, index % 2 === 1, time, limits), undamped);
}

test.each([
  ['one outage holds nothing', [0, 10], undefined],
  ['as many changes as allowed hold nothing', [0, 10, 20, 30], undefined],
  ['one more holds the next way up', [0, 10, 20, 30, 40, 50], 150],
  ['each further way up is held twice as long', [0, 10, 20, 30, 40, 50, 60, 70], 270],
  [
    'but not longer than the longest',
    [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130],
    530,
  ],
  ['changes that are far apart hold nothing', [0, 300, 600, 900, 1200, 1500], undefined],
])('%s', (_, times, heldUntil) => {
  const state = after(times);
  expect(state.heldUntil > (times.at(-1) ?? 0) ? state.heldUntil : undefined).toBe(heldUntil);
});

test('going down never extends a hold', () => {
  const up = after([0, 10, 20, 30, 40, 50]);
  expect(damp(up, false, 60, limits).heldUntil).toBe(up.heldUntil);
});

test('a quiet window forgets how often it was held', () => {
  const restless = after([0, 10, 20, 30, 40, 50, 60, 70]);
  expect(restless.holds).toBe(2);
  expect(damp(restless, false, 2000, limits).holds).toBe(0);
});

test('memory stays bounded', () => {
  const times = Array.from({ length: 1000 }, (_, index) => index / 10);
  expect(after(times).changes.length).toBeLessThanOrEqual(limits.changes + 1);
});
