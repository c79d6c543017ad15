import { createMetrics, silentLog } from '@smartstack/daemon';
import { expect, test } from 'vitest';

import { createLane } from './lane.ts';
import type { ProxyDriver } from './proxies/proxy.ts';

test('a lane says for how long its driver has been at one change', async () => {
  let finish = () => {};
  const driver: ProxyDriver = {
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
  const lane = createLane(driver, { log: silentLog, metrics: createMetrics() });
  const driving = lane.drive(ended.signal);
  expect(lane.busyFor()).toBe(0);
  lane.post(new Map());
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(lane.busyFor()).toBeGreaterThan(100);
  finish();
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(lane.busyFor()).toBe(0);
  ended.abort();
  await driving;
});
