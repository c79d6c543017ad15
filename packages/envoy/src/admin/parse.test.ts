import { describe, expect, test } from 'vitest';

import { createAverages } from './averages.ts';
import { createCounts, nothing, statsFilter } from './counted.ts';
import { servicesIn } from './listeners.ts';
import { parseMembers } from './members.ts';
import { ownAnswers, routesOf } from './routes.ts';
import { numberOf, parseServerInfo } from './server-info.ts';
import { seenNow, serversOf } from './servers.ts';
import { linesPerTurn, parseStats, statName } from './stats.ts';
import { trafficIn } from './traffic.ts';

const bucketed = (counts: Readonly<Record<number, number>>) =>
  nothing.buckets.map((_, at) => counts[at] ?? 0);

describe('statistics', () => {
  test('values and histograms by name; what is longer than our last bucket is in one more', async () => {
    const { values, histograms } = await parseStats(`http.web.downstream_rq_completed: 7
a.text: "text"
t: B1(0,2) B2.5(9,1) B300(0,3) B10000(0,4) B1e+09(0,5)
u: No recorded values
`);
    expect([...values]).toEqual([['http.web.downstream_rq_completed', 7]]);
    expect([...histograms]).toEqual([['t', bucketed({ 0: 2, 1: 1, 8: 3, 12: 4, 13: 5 })]]);
  });

  test('a long answer is read a few lines at a time', async () => {
    const turns = 20;
    const answer = Array.from({ length: turns * linesPerTurn }, (_, n) => `a.${n}: ${n}\n`);
    let others = 0;
    const count = () => {
      others += 1;
      next = setImmediate(count);
    };
    let next = setImmediate(count);
    const { values } = await parseStats(answer.join(''));
    clearImmediate(next);
    expect(values.size).toBe(turns * linesPerTurn);
    expect(others).toBeGreaterThanOrEqual(turns - 1);
  });

  test.each(['', '\n', 'x', 'x: y: 2', '{"stats": [1]}'])(
    'what is no statistics holds none: %j',
    async (answer) => expect((await parseStats(answer)).values.size).toBe(0),
  );

  test('names are as Envoy writes them', () => {
    expect(statName('web|v=a:b')).toBe('web|v=a_b');
    expect(statName('unix://x')).toBe('unix_x');
  });

  test('a service has its own, by the names of its listener, routes and clusters', () => {
    const values = new Map<string, number>([
      ['http.web.downstream_rq_completed', 9],
      ['http.web.downstream_rq_5xx', 2],
      ['http.web.x.downstream_rq_completed', 100],
      ['vhost.web.route.v2.upstream_rq_completed', 3],
      ['vhost.web.route.v2.upstream_rq_4xx', 1],
      ['vhost.web.x.route.rest.upstream_rq_completed', 50],
      ['tcp.web.downstream_cx_total', 4],
      ['tcp.web.downstream_cx_no_route', 1],
      ['cluster.web.upstream_rq_retry', 5],
      ['cluster.web|version=v2.upstream_rq_retry', 6],
      ['cluster.web|version=v2.upstream_cx_none_healthy', 1],
      ['cluster.web.outlier_detection.ejections_enforced_total', 8],
      ['cluster.web.upstream_rq_pending_active', 2],
    ]);
    for (const name of values.keys()) expect(name).toMatch(new RegExp(statsFilter));
    const counts = createCounts({ values, histograms: new Map() });
    expect(counts.of('web', ['web', 'web|version=v2'])).toEqual({
      answers: { ...nothing, requests: 9, errors: { '4xx': 0, '5xx': 2 } },
      routes: new Map([['v2', { ...nothing, requests: 3, errors: { '4xx': 1, '5xx': 0 } }]]),
      connections: 4,
      failures: 2,
      retries: 11,
      queued: 2,
      ejections: 8,
    });
    expect([...counts.of('web.x', []).routes.keys()]).toEqual(['rest']);
    expect(counts.membersOf('web')).not.toBe(counts.membersOf('api'));
  });
});

describe('routes', () => {
  const answers = (requests: number, buckets: Readonly<Record<number, number>>, errors = {}) => ({
    requests,
    errors: { '4xx': 0, '5xx': 0, ...errors },
    buckets: bucketed(buckets),
  });
  const counted = (all: ReturnType<typeof answers>, routes: Record<string, typeof all>) => ({
    ...createCounts({ values: new Map(), histograms: new Map() }).of('web', []),
    answers: all,
    routes: new Map(Object.entries(routes)),
  });

  test('one route has all that the listener answered', () => {
    const all = answers(5, { 1: 5 }, { '5xx': 2 });
    expect(routesOf(counted(all, { rest: answers(3, { 1: 3 }) }), ['rest'])).toEqual([
      { name: 'rest', ...all },
    ]);
  });

  test('of several each has its own, and what Envoy answered by itself stands beside', () => {
    const all = answers(10, { 0: 2, 2: 5, 3: 3 }, { '4xx': 2 });
    const routes = { v2: answers(4, { 2: 4 }), rest: answers(4, { 2: 2, 3: 2 }) };
    expect(routesOf(counted(all, routes), ['v2', 'rest'])).toEqual([
      { name: 'v2', ...routes.v2 },
      { name: 'rest', ...routes.rest },
      { name: ownAnswers, ...answers(2, { 0: 2 }, { '4xx': 2 }) },
    ]);
  });

  test('the times of what no member answered stand there, too', () => {
    const all = answers(5, { 2: 3, 5: 2 }, { '5xx': 2 });
    const routes = { v2: answers(3, { 2: 1 }, { '5xx': 2 }), rest: answers(2, { 2: 2 }) };
    expect(routesOf(counted(all, routes), ['v2', 'rest'])).toEqual([
      { name: 'v2', ...routes.v2 },
      { name: 'rest', ...routes.rest },
      { name: ownAnswers, ...answers(0, { 5: 2 }) },
    ]);
  });

  test('a route that was not taken has nothing; what was counted a moment before is not negative', () => {
    const all = answers(3, { 3: 3 });
    const routes = { v2: answers(4, { 2: 4 }) };
    expect(routesOf(counted(all, routes), ['v2', 'rest'])).toEqual([
      { name: 'v2', ...routes.v2 },
      { name: 'rest', ...nothing },
    ]);
  });

  test('a service without routes of a policy has none', () => {
    expect(routesOf(counted(answers(1, {}), {}), [])).toEqual([]);
  });
});

test('averages are of what came since, and stay where nothing did', () => {
  const averages = createAverages();
  expect(averages.of('web', bucketed({}))).toBeUndefined();
  expect(averages.of('web', bucketed({ 3: 4 }))).toBe(7.5);
  expect(averages.of('web', bucketed({ 3: 4, 6: 1 }))).toBe(75);
  expect(averages.of('web', bucketed({ 3: 4, 6: 1 }))).toBe(75);
  // Another Envoy counts from nothing.
  expect(averages.of('web', bucketed({ 0: 1 }))).toBe(0.5);
  averages.keep(new Map());
  expect(averages.of('web', bucketed({}))).toBeUndefined();
});

describe('members', () => {
  const host = (port: number, health: object, more = {}) => ({
    address: { socket_address: { address: '127.0.0.1', port_value: port } },
    health_status: health,
    ...more,
  });
  const answer = {
    cluster_statuses: [
      {
        name: 'web',
        host_statuses: [
          host(1, { eds_health_status: 'HEALTHY' }, { hostname: 'one' }),
          host(2, { eds_health_status: 'DRAINING' }),
          host(3, { eds_health_status: 'HEALTHY', failed_outlier_check: true }),
          { address: { pipe: { path: '/run/x.sock' } } },
          { address: { socket_address: { address: '::1', port_value: 4 } } },
        ],
      },
      { name: 'none' },
    ],
  };

  test('each has its name, its address and its state', () => {
    const members = parseMembers(answer);
    expect(members.get('none')).toEqual([]);
    expect(members.get('web')?.map(({ name, address, status }) => [name, address, status])).toEqual(
      [
        ['one', '127.0.0.1:1', 'HEALTHY'],
        ['127.0.0.1:2', '127.0.0.1:2', 'DRAINING'],
        ['127.0.0.1:3', '127.0.0.1:3', 'EJECTED'],
        ['/run/x.sock', '/run/x.sock', 'UNKNOWN'],
        ['[::1]:4', '[::1]:4', 'UNKNOWN'],
      ],
    );
  });

  test('one that any cluster ejected is so, with the reason and until when', () => {
    const [healthy = [], ejected = []] = [1, 3].map((at) =>
      parseMembers(answer)
        .get('web')
        ?.slice(at - 1, at),
    );
    const same = ejected.map((member) => ({ ...member, name: 'one' }));
    const seen = new Map([
      ['web', seenNow(healthy, 'a', undefined)],
      ['web|v=1', seenNow(same, 'b', undefined)],
    ]);
    const events = { read: async () => {}, of: () => ({ since: 1_000, why: 'sick' }) };
    const service = { clusters: ['web', 'web|v=1'], ejectFor: 500 };
    expect(serversOf(service, seen, events).get('one')).toMatchObject({
      status: 'EJECTED',
      reason: 'sick',
      ejected: { since: 1_000, back: 1_500, why: 'sick', time: 500 },
    });
  });

  test('one whose state did not change keeps its time', () => {
    const [member] = parseMembers(answer).get('web') ?? [];
    if (!member) throw new Error('none');
    const before = { print: 'a', members: new Map([[member.address, { member, since: 5 }]]) };
    const since = (status: string) =>
      seenNow([{ ...member, status }], 'b', before).members.get(member.address)?.since;
    expect(since('HEALTHY')).toBe(5);
    expect(since('DRAINING')).toBeGreaterThan(5);
  });
});

test('traffic is requests and TCP connections, not idle ones of HTTP or the admin interface', () => {
  const stats = `
http.admin.downstream_cx_active: 1
http.admin.downstream_rq_active: 1
http.web.downstream_cx_active: 4
http.web.downstream_rq_active: 2
listener.admin.downstream_cx_active: 1
listener.web.downstream_cx_active: 4
listener.web.worker_0.downstream_cx_active: 4
listener.db.downstream_cx_active: 3
`;
  expect(trafficIn(stats)).toBe(5);
  expect(trafficIn('')).toBe(0);
});

test('what an Envoy says of itself', () => {
  const info = parseServerInfo({
    version: 'abc/1.40.0/Clean/RELEASE/BoringSSL',
    state: 'LIVE',
    uptime_current_epoch: '12s',
    hot_restart_version: '11.104',
    command_line_options: { base_id: '77', restart_epoch: 2, disable_hot_restart: false },
    node: { metadata: { smartstack_bootstrap: 'b' } },
  });
  expect(info).toEqual({
    version: 'abc/1.40.0/Clean/RELEASE/BoringSSL',
    state: 'LIVE',
    uptime: 12_000,
    epoch: 2,
    baseId: 77,
    hotRestart: '11.104',
    bootstrap: 'b',
  });
  expect(numberOf(info.version)).toBe('1.40.0');
  expect(() => parseServerInfo('x')).toThrow('Envoy answers without its version');
});

test('the services that Envoy listens for are those of its listeners that are ours', () => {
  const listener_statuses = [
    { name: 'listener/web', local_address: { socket_address: { port_value: 80 } } },
    { name: 'listener/listener/odd' },
    { name: 'admin' },
    { name: 7 },
    null,
  ];
  expect([...servicesIn({ listener_statuses })]).toEqual(['web', 'listener/odd']);
  for (const answer of [null, {}, { listener_statuses: 'none' }, []])
    expect(servicesIn(answer).size).toBe(0);
});
