import { createMetrics, silentLog } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { ServiceConfig, ServicePolicy } from '../config/config.ts';
import { createMeasures } from '../metrics/metrics.ts';
import { createStanding } from './state.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const hour = 3_600_000;

function start(policy: Partial<ServicePolicy> = {}) {
  const wishes: (Instance | undefined)[] = [];
  const config: ServiceConfig = {
    name: 'web',
    instance: { host: '127.0.0.1', port: 80, name: 'a' },
    place: { address: { type: 'file', directory: '/' }, path: 'web' },
    checkInterval: 500,
    checks: [],
    directory: '/',
    policy: {
      flapDamping: false,
      startGrace: 0,
      warmup: undefined,
      rateLimit: undefined,
      ...policy,
    },
  };
  const standing = createStanding(config, {
    log: silentLog,
    measures: createMeasures(createMetrics()).of('web'),
    order: {},
    onWish: (wish) => wishes.push(wish),
    onDecided: () => {},
  });
  standing.begin();
  return { standing, wishes };
}

const downFor = (span: number) => ({
  downtime: { reason: 'disk', owner: 'ann', since: Date.now(), until: Date.now() + span },
});

test('downtime that the wall clock passed by being set ends within a minute', () => {
  const { standing, wishes } = start();
  standing.change({ state: 'up' });
  standing.obey(downFor(hour));
  expect(wishes.at(-1)).toBeUndefined();
  vi.setSystemTime(Date.now() + 2 * hour);
  vi.advanceTimersByTime(60_000);
  expect(wishes.at(-1)).toMatchObject({ port: 80 });
});

test('downtime does not end early when the wall clock is set back', () => {
  const { standing } = start();
  standing.change({ state: 'up' });
  standing.obey(downFor(hour));
  vi.setSystemTime(Date.now() - hour);
  vi.advanceTimersByTime(hour + 60_000);
  expect(standing.status().because).toBe('downtime');
  vi.advanceTimersByTime(hour);
  expect(standing.status().because).toBe('up');
});

test('what is held back for ever shows no end', () => {
  const { standing } = start({ rateLimit: { averageRate: 0, maxBurst: 1, shadow: false } });
  for (const state of ['up', 'down', 'up'] as const) standing.change({ state });
  const { because, until } = standing.status();
  expect({ because, until }).toEqual({ because: 'rate limit', until: undefined });
});

test('nothing is decided any more after the end', () => {
  const { standing, wishes } = start();
  standing.change({ state: 'up' });
  standing.obey(downFor(1000));
  standing.end();
  vi.advanceTimersByTime(hour);
  expect(wishes.at(-1)).toBeUndefined();
});
