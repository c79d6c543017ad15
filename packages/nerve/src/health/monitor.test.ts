import { expect, test } from 'vitest';

import { createMonitor, type PlannedCheck } from './monitor.ts';
import { createSchedule } from './schedule.ts';

const planned = (run: () => Promise<void>): PlannedCheck => ({
  check: { name: 'a check', run },
  timeout: 20,
  interval: 20,
  phase: 0,
  grace: 0,
  rise: 1,
  fall: 1,
});

const deps = () => ({ schedule: createSchedule(), onChange: () => {} });

const later = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test.concurrent('a check that comes back, in whatever state, is not overdue', async () => {
  const ended = new AbortController();
  const fails = planned(() => Promise.reject(new Error('no')));
  const monitor = createMonitor([fails, planned(async () => {})], deps());
  expect(monitor.overdue()).toBe(0);
  const running = monitor.run(ended.signal);
  await later(500);
  expect(monitor.overdue()).toBeLessThan(400);
  ended.abort();
  await running;
});

test.concurrent('one that heeds neither its deadline nor anything is overdue ever more', async () => {
  const ended = new AbortController();
  const hangs = planned(() => new Promise(() => {}));
  const monitor = createMonitor([planned(async () => {}), hangs], deps());
  void monitor.run(ended.signal);
  await later(500);
  expect(monitor.overdue()).toBeGreaterThan(400);
  ended.abort();
});
