import { createMetrics, type Metrics, silentLog } from '@smartstack/daemon';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { endsWithin } from '../../../../test/support/ends-within.ts';
import type { Place } from '../announce/reporters/table.ts';
import { createTtlReports } from '../checks/ttl-reports.ts';
import type { ServiceConfig } from '../config/config.ts';
import { createSchedule } from '../health/schedule.ts';
import { createMeasures, type Measures } from '../metrics/metrics.ts';
import { createTestRegistry, type TestRegistry } from '../registry.fixture.ts';
import { createService, type Service } from './service.ts';
import { createServices } from './services.ts';
import { isReady } from './status.ts';

const placeIn = (registry: string): Place => ({
  type: 'file',
  registry,
  address: { type: 'file', directory: `/${registry}` },
  path: 'web',
});
const configOf = (registries: readonly string[], weight = 1): ServiceConfig => ({
  name: 'web',
  instance: { host: '127.0.0.1', port: 80, name: 'a', weight },
  places: registries.map(placeIn),
  checkInterval: 20,
  checks: [],
  directory: '/',
  policy: { flapDamping: false, startGrace: 0, warmup: undefined, rateLimit: undefined },
});
const down = { downtime: { reason: 'x', owner: 'ann', since: 0 } };

let good: TestRegistry;
let bad: TestRegistry;
let metrics: Metrics;
let measures: Measures;
let stop: AbortController;
let withdrawing: AbortController;
beforeEach(() => {
  good = createTestRegistry();
  bad = createTestRegistry();
  metrics = createMetrics();
  measures = createMeasures(metrics);
  stop = new AbortController();
  withdrawing = new AbortController();
});

function create(config: ServiceConfig): Service {
  return createService(config, {
    open: ({ registry }) => (registry === 'good' ? good : bad),
    log: silentLog,
    measures: measures.of(config.name),
    phases: [],
    ttlReports: createTtlReports(),
    schedule: createSchedule(),
    override: {},
    stopWithdrawing: withdrawing.signal,
  });
}

describe('a registry that does not answer', () => {
  let service: Service;
  let ended: Promise<void>;
  beforeEach(() => {
    bad.announcing = 'hangs';
    service = create(configOf(['bad', 'good']));
    ended = service.run(stop.signal);
  });
  afterEach(async () => {
    withdrawing.abort();
    stop.abort();
    await ended;
  });
  const inGood = (count: number) =>
    vi.waitFor(() => expect(good.registered.size).toBe(count), { timeout: 3000 });

  test('keeps the service out of no other, and each is told of by itself', async () => {
    await inGood(1);
    expect(service.status()).toMatchObject({
      announced: true,
      may_stand: true,
      confirmed: false,
      instance: { weight: 1 },
      registries: [
        { registry: 'bad', announced: false, may_stand: true, confirmed: false },
        { registry: 'good', announced: true, may_stand: true, confirmed: true },
      ],
    });
    bad.announcing = 'works';
  });

  test('holds up neither a change nor a withdrawal elsewhere', async () => {
    await inGood(1);
    service.setOverride({ weight: 7 });
    await vi.waitFor(() => expect(good.events).toContain('update 80 7'));
    service.setOverride(down);
    await inGood(0);
    await vi.waitFor(() => expect(service.status().confirmed).toBe(true));
  });

  test('gets what is desired by then once it answers', async () => {
    await inGood(1);
    service.setOverride({ weight: 7 });
    bad.announcing = 'works';
    service.setOverride(down);
    await inGood(0);
    service.setOverride({ weight: 8 });
    await vi.waitFor(() => expect([...bad.registered].map(({ weight }) => weight)).toEqual([8]));
    await vi.waitFor(() => expect(service.status().confirmed).toBe(true));
  });

  test('does not keep nerve from being ready, which it is once the service is found somewhere', async () => {
    const services = { all: () => [service], apply: () => {}, ended: async () => {} };
    expect(isReady(services)).toBe(false);
    await inGood(1);
    await vi.waitFor(() => expect(isReady(services)).toBe(true));
  });

  test('is the one that metrics say the service is missing in', async () => {
    await inGood(1);
    const { body } = await metrics.text();
    expect(body).toContain('nerve_service_announced{service="web",registry="good"} 1');
    expect(body).toContain('nerve_service_announced{service="web",registry="bad"} 0');
  });
});

test('a registry that refuses is named with its reason, and the others are well', async () => {
  bad.announcing = 'refused';
  const service = create(configOf(['good', 'bad']));
  const ended = service.run(stop.signal);
  await vi.waitFor(() =>
    expect(service.status()).toMatchObject({
      announced: true,
      trouble: 'bad: cannot announce: no permission',
      registries: [{ announced: true }, { trouble: 'cannot announce: no permission' }],
    }),
  );
  stop.abort();
  await ended;
});

test('at the end the others are withdrawn at once, and one that hangs waits for the deadline alone', async () => {
  const service = create(configOf(['bad', 'good']));
  const ended = service.run(stop.signal);
  await vi.waitFor(() => expect(good.registered.size + bad.registered.size).toBe(2));
  bad.withdrawing = 'hangs';
  stop.abort();
  await vi.waitFor(() => expect(good.registered.size).toBe(0));
  expect(service.status().registries.map(({ may_stand: may }) => may)).toEqual([true, false]);
  withdrawing.abort();
  await endsWithin(2000, ended);
});

test('a service that replaces another leaves each registry by itself', async () => {
  const services = createServices(
    { create, onEnded: measures.forget, log: silentLog },
    stop.signal,
  );
  services.apply([configOf(['bad', 'good'])]);
  await vi.waitFor(() => expect(good.registered.size + bad.registered.size).toBe(2));
  bad.announcing = 'hangs';
  services.apply([configOf(['bad', 'good'], 5)]);
  await vi.waitFor(() => expect([...good.registered].map(({ weight }) => weight)).toEqual([5]));
  expect([...bad.registered].map(({ weight }) => weight)).toEqual([1]);
  bad.announcing = 'works';
  services.apply([configOf(['good'], 6)]);
  await vi.waitFor(() => expect([...good.registered].map(({ weight }) => weight)).toEqual([6]));
  await vi.waitFor(() => expect(bad.registered.size).toBe(0));
  await vi.waitFor(async () => {
    const { body } = await metrics.text();
    expect(body).toContain('nerve_service_announced{service="web"} 1');
    expect(body).not.toContain('nerve_service_announced{service="web",registry');
  });
  stop.abort();
  await services.ended();
});

test('another registry is added without a moment in which the first has no record', async () => {
  const services = createServices(
    { create, onEnded: measures.forget, log: silentLog },
    stop.signal,
  );
  services.apply([configOf(['good'])]);
  await vi.waitFor(() => expect(good.registered.size).toBe(1));
  services.apply([configOf(['good', 'bad'])]);
  await vi.waitFor(() => expect(good.events.at(-1)).toBe('withdraw 80'));
  expect(good.events).toEqual([
    'announce 80',
    'announced 80',
    'announce 80',
    'announced 80',
    'withdraw 80',
  ]);
  stop.abort();
  await services.ended();
});
