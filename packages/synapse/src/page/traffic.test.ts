import type { Measured } from '@smartstack/proxy';
import { expect, test } from 'vitest';
import { createTraffic } from './traffic.ts';

const measured = (requests: number, errors = 0): ReadonlyMap<string, Measured> =>
  new Map([
    [
      'web',
      {
        mode: 'http',
        requests,
        errors,
        average: 3,
        slowest: undefined,
        longest: 9,
        retries: 0,
        redispatches: 0,
        queued: 0,
        routes: [],
        ejections: undefined,
        servers: new Map(),
      },
    ],
  ]);

test('counters become rates over the time between two samples', () => {
  const traffic = createTraffic();
  traffic.take(measured(100), 10_000);
  expect(traffic.sample()).toBe(undefined);
  traffic.take(measured(140, 1), 11_000);
  traffic.take(measured(160, 2), 12_000);
  expect(traffic.sample()).toEqual({ web: [30, 1, 3, null, null] });
  expect(traffic.sample()).toBe(undefined);
});

test('a new worker counts from zero', () => {
  const traffic = createTraffic();
  traffic.take(measured(100), 10_000);
  traffic.sample();
  traffic.take(measured(5), 11_000);
  expect(traffic.sample()).toEqual({ web: [5, 0, 3, null, null] });
});

test('what was counted while nobody looked is no rate', () => {
  const traffic = createTraffic();
  traffic.take(measured(100), 10_000);
  traffic.sample();
  traffic.take(measured(9_000), 100_000);
  expect(traffic.sample()).toBe(undefined);
  traffic.take(measured(9_010), 101_000);
  expect(traffic.sample()).toEqual({ web: [10, 0, 3, null, null] });
});
