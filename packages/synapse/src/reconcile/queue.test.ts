import { createMetrics, silentLog } from '@smartstack/daemon';
import type { Output } from '@smartstack/proxy';
import { expect, test } from 'vitest';
import { createQueue } from './queue.ts';

test('a queue says for how long its driver has been at one change', async () => {
  let finish = () => {};
  const driver: Output = {
    name: 'slow',
    apply: () =>
      new Promise((resolve) => {
        finish = () => resolve('updated');
      }),
    wakes: async function* () {},
    status: () => ({}),
    [Symbol.asyncDispose]: async () => {},
  };
  const ended = new AbortController();
  const queue = createQueue(driver, { log: silentLog, metrics: createMetrics() });
  const driving = queue.drive(ended.signal);
  expect(queue.busyFor()).toBe(0);
  queue.post(new Map());
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(queue.busyFor()).toBeGreaterThan(100);
  finish();
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(queue.busyFor()).toBe(0);
  ended.abort();
  await driving;
});
