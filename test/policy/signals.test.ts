import { afterAll, beforeAll, expect, test } from 'vitest';

import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { bucketsIn, valueIn } from './metrics.fixture.ts';
import {
  ask,
  late,
  type Member,
  serviceOf,
  startMember,
  startWorld,
  status,
  tally,
  type World,
} from './world.fixture.ts';

/** What HAProxy counts of services, as synapse's metrics, its status and its page show it. */
const policies = {
  timed: { outlier_ejection: false, timeouts: { per_try: '3s' } },
  classes: {
    outlier_ejection: false,
    timeouts: { per_try: '300ms' },
    slo: { availability: '99.9%', latency: { p50: '50ms', p99: '300ms' } },
    routes: [
      { name: 'gone', match: { path: '/gone' }, respond: { status: 410 } },
      { name: 'limited', match: { path: '/limited' }, rate_limit: { requests: 1, per: '1m' } },
      { name: 'slow', match: { path_prefix: '/slow' } },
    ],
  },
  refusing: { outlier_ejection: false },
  retried: {
    retries: { attempts: 2, on: ['connect_failure', 503], budget: '100%' },
    outlier_ejection: false,
  },
  ejecting: { outlier_ejection: { errors: 3, eject_for: '8s' }, retries: { attempts: 0 } },
} as const;
type Name = keyof typeof policies;

let world: World;
const ports = {} as Record<Name | 'tcp' | 'plain', number>;
const members = {} as Record<Name, readonly Member[]>;

function services(): Record<string, object> {
  const { timed } = members;
  const own = (Object.keys(policies) as Name[]).map((name) => [
    name,
    serviceOf(ports[name], members[name], policies[name]),
  ]);
  const base = { discovery: { method: 'base' }, default_servers: timed.map(({ entry }) => entry) };
  return {
    ...Object.fromEntries(own),
    tcp: { ...base, port: ports.tcp, policy: {} },
    plain: { ...base, haproxy: { port: ports.plain } },
  };
}

beforeAll(async () => {
  for (const name of Object.keys(policies) as Name[]) {
    ports[name] = await freePort();
    members[name] = [await startMember('a'), await startMember('b')];
  }
  for (const member of members.refusing) await member[Symbol.asyncDispose]();
  ports.tcp = await freePort();
  ports.plain = await freePort();
  world = await startWorld(services());
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  for (const [name, each] of Object.entries(members))
    if (name !== 'refusing') for (const member of each) await member[Symbol.asyncDispose]();
});

const scrape = async () => (await ask(world.status, '/metrics')).body;

test('every answer counts in the bucket of the time that it took, over the turn of a second too', async () => {
  const [a, b] = members.timed;
  for (const member of [a, b]) member?.behave(late(150));
  await Promise.all(Array.from({ length: 20 }, () => ask(ports.timed)));
  for (const member of [a, b]) member?.behave(late(700));
  // Begun late in a second, answered in the next one.
  await until(() => Date.now() % 1000 > 600 && Date.now() % 1000 < 900);
  await Promise.all(Array.from({ length: 10 }, () => ask(ports.timed)));
  for (const member of [a, b]) member?.behave(late(1200));
  await Promise.all(Array.from({ length: 5 }, () => ask(ports.timed)));
  const text = await scrape();
  const labels = 'service="timed",route="rest"';
  const found = bucketsIn(text, labels);
  // A machine that is busy may delay some, and none is faster than its member.
  expect(Object.keys(found).every((end) => Number(end) >= 0.25)).toBe(true);
  for (const [end, sent] of [
    [0.25, 20],
    [1, 10],
    [2.5, 5],
  ] as const)
    expect(found[end]).toBeGreaterThanOrEqual(sent * 0.8);
  expect(valueIn(text, `smartstack_request_duration_seconds_count{${labels}}`)).toBe(35);
  expect(valueIn(text, `smartstack_requests_total{${labels}}`)).toBe(35);
  // Each counts as the middle of its bucket.
  const middles: Readonly<Record<string, number>> = { 0.25: 0.175, 0.5: 0.375, 1: 0.75, 2.5: 1.75 };
  const sum = Object.entries(found).reduce((all, [end, n]) => all + n * (middles[end] ?? 0), 0);
  expect(valueIn(text, `smartstack_request_duration_seconds_sum{${labels}}`)).toBeCloseTo(sum);
});

test('errors count by class and route, HAProxy’s own with them', async () => {
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
  const found = ['rest', 'slow', 'gone', 'limited'].map((route) => [
    route,
    valueIn(text, `smartstack_requests_total{service="classes",route="${route}"}`),
    errors('classes', route, '4xx'),
    errors('classes', route, '5xx'),
  ]);
  expect(found).toEqual([
    ['rest', 5, 3, 2],
    ['slow', 2, 0, 2],
    ['gone', 2, 2, 0],
    ['limited', 4, 3, 0],
  ]);
  expect(errors('refusing', 'rest', '5xx')).toBe(3);
  expect(bucketsIn(text, 'service="classes",route="slow"')).toEqual({ 0.5: 2 });
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
  expect(valueIn(text, 'smartstack_redispatches_total{service="retried"}')).toBeLessThanOrEqual(10);
});

test('a member that is ejected is shown, with since when, why, and when it is back', async () => {
  const [a] = members.ejecting;
  a?.behave(status(500));
  const start = Date.now();
  await tally(10, () => ask(ports.ejecting), 'status');
  const text = await scrape();
  expect(valueIn(text, 'smartstack_ejected_members{service="ejecting"}')).toBe(1);
  expect(valueIn(text, 'smartstack_ejections_total{service="ejecting"}')).toBe(1);

  interface Shown {
    readonly address: string;
    readonly state: string;
    readonly ejected?: { readonly since: string; readonly why: string; readonly back: string };
  }
  const { proxies } = JSON.parse((await ask(world.status, '/status')).body) as {
    proxies: { haproxy: { services: { ejecting: { servers: readonly Shown[] } } } };
  };
  const { servers } = proxies.haproxy.services.ejecting;
  const shown = servers.find(({ state }) => state === 'ejected');
  const { since = '', why = '', back = '' } = shown?.ejected ?? {};
  expect(shown?.address).toBe(`127.0.0.1:${a?.port}`);
  expect(why).toMatch(/^Detected 3 consecutive errors, last one was: /);
  expect(Math.abs(Date.parse(since) - start)).toBeLessThan(3000);
  expect(Date.parse(back) - Date.parse(since)).toBe(8000);

  const explained = JSON.parse((await ask(world.status, '/v1/explain/ejecting')).body) as {
    members: readonly { readonly address: string; readonly why: string }[];
  };
  const { why: said } = explained.members.find(({ address }) => address === shown?.address) ?? {};
  expect(said).toMatch(/ejected since \S+ until \S+: Detected 3 consecutive errors/);

  interface PageState {
    readonly services: readonly {
      readonly name: string;
      readonly rows: readonly Readonly<Record<string, unknown>>[];
    }[];
  }
  const row = await until(async () => {
    const page = JSON.parse((await ask(world.status, '/page/state')).body) as PageState;
    const { rows = [] } = page.services.find(({ name }) => name === 'ejecting') ?? {};
    return rows.find(({ state }) => state === 'ejected');
  });
  expect(row).toMatchObject({ tone: 'bad', title: shown?.address });
  expect(Number(row.until) - Number(row.since)).toBe(8000);

  a?.behave((_, response) => void response.end('a'));
  await until(async () => {
    const now = await scrape();
    return valueIn(now, 'smartstack_ejected_members{service="ejecting"}') === 0;
  });
  expect(await tally(4, () => ask(ports.ejecting))).toEqual({ a: 2, b: 2 });
});

test('after a reload a scrape is of the new worker alone: none of its counters contradicts another', async () => {
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
  const added = { ...serviceOf(await freePort(), members.timed, policies.timed) };
  await world.change({ ...services(), added });
  await until(async () => {
    await look();
    return (seen.at(-1) ?? before) < before;
  });
  for (let i = 0; i < 5; i++) await look();
  isDone = true;
  await load;
});
