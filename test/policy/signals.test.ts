import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { refusing } from './hung.fixture.ts';
import { bucketsIn, valueIn } from './metrics.fixture.ts';
import { type Case, type Scene, startScene } from './scene.fixture.ts';
import { differs, subjects } from './subject.fixture.ts';
import { ask, late, type Member, serviceOf, status, tally, type World } from './world.fixture.ts';

/** What a proxy counts of services, as synapse's metrics show it. */
const lax = { outlier_ejection: false };
const policies = {
  timed: { policy: { ...lax, timeouts: { per_try: '3s' } } },
  classes: {
    policy: {
      ...lax,
      timeouts: { per_try: '300ms' },
      slo: { availability: '99.9%', latency: { p50: '50ms', p99: '300ms' } },
      routes: [
        { name: 'gone', match: { path: '/gone' }, respond: { status: 410 } },
        { name: 'limited', match: { path: '/limited' }, rate_limit: { requests: 1, per: '1m' } },
        { name: 'slow', match: { path_prefix: '/slow' } },
      ],
    },
  },
  refusing: { policy: lax },
  retried: {
    policy: {
      ...lax,
      retries: { attempts: 2, on: ['connect_failure', 503], budget: '100%' },
    },
  },
  tcp: { policy: {}, more: { protocol: 'tcp' } },
};
type Name = keyof typeof policies | 'plain';

describe.each(subjects)('what is told of the traffic on $title', (subject) => {
  let scene: Scene<Name>;
  let world: World;
  const ports = {} as Record<Name, number>;
  const members = {} as Record<Name, readonly Member[]>;
  beforeAll(async () => {
    const plain = await freePort();
    // Without a policy it is not counted by routes.
    const unasked =
      subject.proxy === 'haproxy' ? { haproxy: { port: plain }, port: undefined } : {};
    scene = await startScene<Name>(
      {
        ...policies,
        refusing: { ...policies.refusing, members: [await refusing('a'), await refusing('b')] },
        plain: { policy: {}, more: { protocol: undefined, policy: undefined, ...unasked } },
      },
      subject,
    );
    world = scene.world;
    for (const [name, each] of Object.entries<Case>(scene.cases)) {
      ports[name as Name] = each.port;
      members[name as Name] = each.members;
    }
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  const scrape = async () => (await ask(world.status, '/metrics')).body;

  test('every answer counts in the bucket of the time that it took, over the turn of a second too', async () => {
    const took: number[] = [];
    const askMany = async (count: number, wait: number) => {
      for (const member of members.timed) member.behave(late(wait));
      const all = await Promise.all(Array.from({ length: count }, () => ask(ports.timed)));
      took.push(...all.map((each) => each.took / 1000));
    };
    await askMany(20, 150);
    // Begun late in a second, answered in the next one.
    await until(() => Date.now() % 1000 > 600 && Date.now() % 1000 < 900);
    await askMany(10, 700);
    await askMany(5, 1200);
    const text = await scrape();
    const labels = 'service="timed",route="rest"';
    const found = bucketsIn(text, labels);
    // None is faster than its member, or slower than the caller saw.
    for (const [end, fastest] of [
      [0.1, 0],
      [0.25, 20],
      [0.5, 20],
      [1, 30],
      [2.5, 35],
    ] as const) {
      const upTo = Object.entries(found).filter(([each]) => Number(each) <= end);
      const count = upTo.reduce((all, [, n]) => all + n, 0);
      expect(count).toBeGreaterThanOrEqual(took.filter((each) => each <= end).length);
      expect(count).toBeLessThanOrEqual(fastest);
    }
    expect(valueIn(text, `smartstack_request_duration_seconds_count{${labels}}`)).toBe(35);
    expect(valueIn(text, `smartstack_requests_total{${labels}}`)).toBe(35);
    // Each counts as the middle of its bucket.
    const middles: Readonly<Record<string, number>> = {
      0.25: 0.175,
      0.5: 0.375,
      1: 0.75,
      2.5: 1.75,
    };
    const sum = Object.entries(found).reduce((all, [end, n]) => all + n * (middles[end] ?? 0), 0);
    expect(valueIn(text, `smartstack_request_duration_seconds_sum{${labels}}`)).toBeCloseTo(sum);
  });

  test('errors count by class and route, the proxy’s own with them', async () => {
    const { classes: port } = ports;
    const [a, b] = members.classes;
    const answer = (code: number) => {
      for (const member of [a, b]) member?.behave(status(code));
    };
    answer(404);
    expect(await tally(3, () => ask(port), 'status')).toEqual({ 404: 3 });
    answer(500);
    expect(await tally(2, () => ask(port), 'status')).toEqual({ 500: 2 });
    for (const member of [a, b]) member?.behave(late(2000));
    expect(await tally(2, () => ask(port, '/slow'), 'status')).toEqual({ 504: 2 });
    expect(await tally(2, () => ask(port, '/gone'), 'status')).toEqual({ 410: 2 });
    answer(200);
    expect(await tally(4, () => ask(port, '/limited'), 'status')).toEqual({ 200: 1, 429: 3 });
    expect(await tally(3, () => ask(ports.refusing), 'status')).toEqual({ 503: 3 });
    const text = await scrape();
    const errors = (service: string, route: string, type: string) =>
      valueIn(
        text,
        `smartstack_request_errors_total{service="${service}",route="${route}",class="${type}"}`,
      );
    const found = ['rest', 'slow', 'gone', 'limited', 'envoy'].map((route) => [
      route,
      valueIn(text, `smartstack_requests_total{service="classes",route="${route}"}`),
      errors('classes', route, '4xx'),
      errors('classes', route, '5xx'),
    ]);
    const own = differs(subject, 'what it answers before it asks a member counts', {
      haproxy: [
        ['gone', 2, 2, 0],
        ['limited', 4, 3, 0],
        ['envoy', undefined, undefined, undefined],
      ],
      envoy: [
        ['gone', 0, 0, 0],
        ['limited', 1, 0, 0],
        ['envoy', 5, 5, 0],
      ],
    });
    expect(found).toEqual([['rest', 5, 3, 2], ['slow', 2, 0, 2], ...own]);
    expect(errors('refusing', 'rest', '5xx')).toBe(3);
    const timed = differs(subject, 'the time of a try that took too long stands under', {
      haproxy: 'slow',
      envoy: 'envoy',
    });
    const buckets = (now: string, route: string) =>
      bucketsIn(now, `service="classes",route="${route}"`);
    const now = await until(async () => {
      const scraped = await scrape();
      const all = found.flatMap(([route]) => Object.values(buckets(scraped, String(route))));
      return all.reduce((sum, count) => sum + count, 0) === 13 && scraped;
    });
    expect(buckets(now, timed)[0.5]).toBe(2);
  });

  test('what a service promises is exported, and connections of TCP are its requests', async () => {
    for (let i = 0; i < 4; i++) await ask(ports.tcp).catch(() => {});
    const text = await until(async () => {
      const now = await scrape();
      return valueIn(now, 'smartstack_requests_total{service="tcp",route="rest"}') === 4 && now;
    });
    expect(valueIn(text, 'smartstack_slo_availability_ratio{service="classes"}')).toBe(0.999);
    const latency = 'smartstack_slo_latency_seconds{service="classes",quantile=';
    expect(valueIn(text, `${latency}"0.5"}`)).toBe(0.05);
    expect(valueIn(text, `${latency}"0.99"}`)).toBe(0.3);
    const errors = 'smartstack_request_errors_total{service="tcp",route="rest",class="connection"}';
    expect(valueIn(text, errors)).toBe(0);
    expect(text).not.toMatch(/^smartstack_\w+\{service="plain"/m);
    expect(text).not.toMatch(/^smartstack_request_duration_seconds\w*\{service="tcp"/m);
  });

  test('retries count, and which of them went to another member', async () => {
    members.retried[0]?.behave(status(503));
    expect(await tally(10, () => ask(ports.retried), 'status')).toEqual({ 200: 10 });
    const text = await scrape();
    expect(valueIn(text, 'smartstack_retries_total{service="retried"}')).toBe(
      members.retried[0]?.seen.length,
    );
    expect(valueIn(text, 'smartstack_redispatches_total{service="retried"}')).toBeLessThanOrEqual(
      10,
    );
  });

  test('none of the counters contradicts another while services change; after a reload they are of the new worker alone', async () => {
    const [a, b] = members.timed;
    for (const member of [a, b]) member?.behave((_, response) => void response.end('x'));
    const labels = 'service="timed",route="rest"';
    let isDone = false;
    const load = (async () => {
      while (!isDone) await ask(ports.timed).catch(() => {});
    })();
    const seen: number[] = [];
    const look = async () => {
      const text = await scrape();
      const count = valueIn(text, `smartstack_request_duration_seconds_count{${labels}}`);
      const total = valueIn(text, `smartstack_requests_total{${labels}}`);
      // While HAProxy changes over it may not answer, and then there are none.
      if (count === undefined || total === undefined) return;
      const all = bucketsIn(text, labels);
      expect(Object.values(all).reduce((sum, each) => sum + each, 0)).toBe(count);
      expect(count).toBeLessThanOrEqual(total);
      seen.push(total);
    };
    for (let i = 0; i < 5; i++) await look();
    const before = Math.max(...seen);
    const addedPort = await freePort();
    const added = serviceOf(addedPort, members.timed, policies.timed.policy);
    await world.change({ ...scene.servicesWith('timed', members.timed), added });
    const isAnew = differs(subject, 'counters begin anew when a service comes', {
      haproxy: true,
      envoy: false,
    });
    await until(async () => {
      await look();
      const last = seen.at(-1) ?? before;
      return isAnew ? last < before : last > before && (await ask(addedPort)).status === 200;
    });
    for (let i = 0; i < 5; i++) await look();
    if (!isAnew) expect(seen).toEqual(seen.toSorted((one, other) => one - other));
    isDone = true;
    await load;
  });
});
