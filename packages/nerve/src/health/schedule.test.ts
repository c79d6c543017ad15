import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test, vi } from 'vitest';

import { createSchedule, firstDelay, nextDue, phaseOf } from './schedule.ts';

const { every } = createSchedule();
const phases = (count: number) => Array.from({ length: count }, (_, index) => phaseOf(index));

test('the only check of a daemon starts at once', () => {
  expect(firstDelay(500, phaseOf(0))).toBe(0);
});

test.each([2, 10, 100, 500, 2000])('%i checks lie evenly in their interval', (count) => {
  const sorted = phases(count).sort((a, b) => a - b);
  const gaps = sorted.map((phase, index) => (sorted[index + 1] ?? 1 + (sorted[0] ?? 0)) - phase);
  expect(Math.max(...gaps)).toBeLessThan(2 / count);
  expect(Math.min(...gaps)).toBeGreaterThan(0.3 / count);
});

test('of 500 checks at 0.5 s no more than 16 start within 10 ms', () => {
  const slots = new Map<number, number>();
  for (const phase of phases(500)) {
    const slot = Math.floor((phase * 500) / 10);
    slots.set(slot, (slots.get(slot) ?? 0) + 1);
  }
  expect(Math.max(...slots.values())).toBeLessThanOrEqual(16);
});

test('first checks are spread over a second at most, however long the interval', () => {
  expect(Math.max(...phases(500).map((phase) => firstDelay(60_000, phase)))).toBeLessThan(1000);
});

test.each([
  ['the next point of the grid', 500, 0.5, 250, 251, 750],
  ['not the same point again when the timer was early', 500, 0.5, 250, 249.7, 750],
  ['the first point after a first check that came before the grid', 60_000, 0.5, 500, 510, 30_000],
  ['the point one interval on where the grid starts at 0', 60_000, 0, 0, 5, 60_000],
  ['a point ahead when some were missed', 500, 0, 500, 1700, 2000],
])('due next is %s', (_, interval, phase, last, now, expected) => {
  expect(nextDue(interval, phase, last, now)).toBeCloseTo(expected, 6);
});

test('no point of the grid is left out or taken twice over many rounds', () => {
  const phase = phaseOf(7);
  let due = firstDelay(333.3, phase);
  for (let round = 1; round < 10_000; round++) {
    due = nextDue(333.3, phase, due, due + (round % 3) - 1);
    expect(due).toBeCloseTo(phase * 333.3 + round * 333.3, 3);
  }
});

test('a task starts every interval, whatever it takes within it', async () => {
  vi.useFakeTimers();
  try {
    const times: number[] = [];
    const stop = new AbortController();
    const task = async () => {
      times.push(performance.now());
      if (times.length === 6) stop.abort();
      await new Promise((resolve) => setTimeout(resolve, 80));
    };
    const running = createSchedule().every(100, 0, task, stop.signal);
    await vi.advanceTimersByTimeAsync(1_000);
    await running;
    const first = times[0] ?? 0;
    expect(times.map((time) => Math.round((time - first) / 100))).toEqual([0, 1, 2, 3, 4, 5]);
  } finally {
    vi.useRealTimers();
  }
});

test('what a long run let pass is skipped', async () => {
  const stop = new AbortController();
  const start = performance.now();
  let count = 0;
  const task = async () => {
    await sleep(70);
    if (++count === 3) stop.abort();
  };
  await every(20, 0, task, stop.signal);
  expect(performance.now() - start).toBeGreaterThan(220);
});

test('an abort ends it at once', async () => {
  const stop = new AbortController();
  await every(60_000, 0, async () => void setImmediate(() => stop.abort()), stop.signal);
});

test('an abort before the start lets nothing run', async () => {
  await every(10, 0, () => Promise.reject(new Error('ran')), AbortSignal.abort());
});

test('a task that fails ends it with its error', async () => {
  const { signal } = new AbortController();
  const running = every(10, 0, () => Promise.reject(new Error('broken')), signal);
  await expect(running).rejects.toThrow('broken');
});

test('tasks of all intervals and phases keep their times on one schedule', async () => {
  vi.useFakeTimers();
  try {
    const stop = new AbortController();
    const counts = new Map<number, number>();
    const intervals = [20, 50, 70, 130];
    const { every } = createSchedule();
    const running = intervals.map((interval, index) =>
      every(
        interval,
        phaseOf(index),
        async () => void counts.set(interval, (counts.get(interval) ?? 0) + 1),
        stop.signal,
      ),
    );
    const took = 10_000;
    await vi.advanceTimersByTimeAsync(took);
    stop.abort();
    await Promise.all(running);
    for (const interval of intervals) {
      expect(counts.get(interval)).toBeGreaterThan(took / interval - 2);
      expect(counts.get(interval)).toBeLessThanOrEqual(took / interval + 1);
    }
  } finally {
    vi.useRealTimers();
  }
});

test('the end waits for a run that is under way', async () => {
  const stop = new AbortController();
  let ended = false;
  const task = async () => {
    stop.abort();
    await sleep(50);
    ended = true;
  };
  await every(10, 0, task, stop.signal);
  expect(ended).toBe(true);
});
