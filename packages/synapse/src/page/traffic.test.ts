import { latencyEnds, type Measured } from '@smartstack/proxy';
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

test('a time without a page open gives no rate', () => {
  const traffic = createTraffic();
  traffic.take(measured(100), 10_000);
  traffic.sample();
  traffic.take(measured(9_000), 100_000);
  expect(traffic.sample()).toBe(undefined);
  traffic.take(measured(9_010), 101_000);
  expect(traffic.sample()).toEqual({ web: [10, 0, 3, null, null] });
});

/** A service whose answers are counted: how many took up to 10 ms and up to 1 s, by route. */
const counted = (
  routes: Readonly<Record<string, readonly [fast: number, slow: number]>>,
): ReadonlyMap<string, Measured> => {
  const [[name, plain] = ['', undefined]] = [...measured(0)];
  if (!plain) throw new Error('nothing is measured');
  const each = Object.entries(routes).map(([route, [fast, slow]]) => ({
    name: route,
    requests: fast + slow,
    errors: { '4xx': 0, '5xx': slow },
    buckets: [...latencyEnds, Infinity].map((end) => (end === 10 ? fast : end === 1000 ? slow : 0)),
  }));
  return new Map([[name, { ...plain, routes: each }]]);
};

test('of counted answers percentiles are told, of a service and of its routes', () => {
  const traffic = createTraffic();
  traffic.take(counted({ a: [1_000, 50], rest: [0, 0] }), 10_000);
  traffic.sample();
  traffic.take(counted({ a: [1_090, 60], rest: [100, 0] }), 11_000);
  // 190 of 200 answers took from 5 to 10 ms, the other ten from 500 ms to 1 s.
  expect(traffic.sample()).toEqual({ web: [200, 10, expect.closeTo(7.63, 2), 10, 900] });
  expect(traffic.routes('web')).toEqual([
    { name: 'a', numbers: [100, 10, expect.closeTo(7.78, 2), 750, 950] },
    { name: 'rest', numbers: [100, 0, 7.5, 9.75, 9.95] },
  ]);
  // A new worker counts from zero.
  traffic.take(counted({ a: [4, 0], rest: [0, 0] }), 12_000);
  expect(traffic.sample()).toEqual({ web: [4, 0, 7.5, 9.75, 9.95] });
  traffic.take(counted({ a: [4, 0], rest: [0, 0] }), 13_000);
  expect(traffic.sample()).toEqual({ web: [0, 0, null, null, null] });
});
