import { createMetrics, silentLog } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { ServiceConfig, ServicePolicy } from '../config/config.ts';
import { createMeasures } from '../metrics/metrics.ts';
import { createServiceState } from './state.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const hour = 3_600_000;

function start(policy: Partial<ServicePolicy> = {}) {
  const desired: (Instance | undefined)[] = [];
  const config: ServiceConfig = {
    name: 'web',
    instance: { host: '127.0.0.1', port: 80, name: 'a' },
    places: [
      { type: 'file', registry: 'file', address: { type: 'file', directory: '/' }, path: 'web' },
    ],
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
  const state = createServiceState(config, {
    log: silentLog,
    measures: createMeasures(createMetrics()).of('web'),
    override: {},
    onDesired: (instance) => desired.push(instance),
    onDecided: () => {},
  });
  state.begin();
  return { state, desired };
}

const downFor = (span: number) => ({
  downtime: { reason: 'disk', owner: 'ann', since: Date.now(), until: Date.now() + span },
});

test('downtime that the wall clock passed by being set ends within a minute', () => {
  const { state, desired } = start();
  state.change({ state: 'up' });
  state.setOverride(downFor(hour));
  expect(desired.at(-1)).toBeUndefined();
  vi.setSystemTime(Date.now() + 2 * hour);
  vi.advanceTimersByTime(60_000);
  expect(desired.at(-1)).toMatchObject({ port: 80 });
});

test('downtime does not end early when the wall clock is set back', () => {
  const { state } = start();
  state.change({ state: 'up' });
  state.setOverride(downFor(hour));
  vi.setSystemTime(Date.now() - hour);
  vi.advanceTimersByTime(hour + 60_000);
  expect(state.status().because).toBe('downtime');
  vi.advanceTimersByTime(hour);
  expect(state.status().because).toBe('up');
});

test('what is held back for ever shows no end', () => {
  const { state } = start({ rateLimit: { averageRate: 0, maxBurst: 1, shadow: false } });
  for (const next of ['up', 'down', 'up'] as const) state.change({ state: next });
  const { because, until } = state.status();
  expect({ because, until }).toEqual({ because: 'rate limit', until: undefined });
});

test('nothing is decided any more after the end', () => {
  const { state, desired } = start();
  state.change({ state: 'up' });
  state.setOverride(downFor(1000));
  state.end();
  vi.advanceTimersByTime(hour);
  expect(desired.at(-1)).toBeUndefined();
});
