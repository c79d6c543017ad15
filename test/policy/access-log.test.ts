import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { linesIn, raw } from './log.fixture.ts';
import {
  ask,
  late,
  type Member,
  serviceOf,
  startMember,
  startWorld,
  type World,
} from './world.fixture.ts';

const json = { access_log: 'json', outlier_ejection: false } as const;
const policies = {
  web: {
    ...json,
    request_id: true,
    trace: 'w3c',
    timeouts: { per_try: '300ms' },
    routes: [
      { name: 'fault', match: { path: '/fault' }, fault: { abort: { status: 418 } } },
      { name: 'limited', match: { path: '/limited' }, rate_limit: { requests: 1, per: '1m' } },
      { name: 'moved', match: { path: '/moved' }, redirect: { host: 'example.com' } },
    ],
  },
  refusing: json,
  empty: { ...json, routes: [{ name: 'all' }] },
  crowded: { ...json, limits: { per_member: 1 }, timeouts: { queue: '200ms' } },
  busy: { ...json, limits: { requests: 1 } },
  pending: { ...json, limits: { per_member: 1, pending: 1 }, timeouts: { queue: '2s' } },
} as const;
type Name = keyof typeof policies;

let world: World;
const ports = {} as Record<Name | 'tcp' | 'gone' | 'text', number>;
const members = {} as Record<Name, readonly Member[]>;

beforeAll(async () => {
  const services: Record<string, object> = {};
  for (const name of Object.keys(policies) as Name[]) {
    ports[name] = await freePort();
    members[name] = [await startMember('a')];
    services[name] = serviceOf(ports[name], members[name], policies[name]);
  }
  for (const name of ['tcp', 'gone', 'text'] as const) ports[name] = await freePort();
  const tcp = (of: readonly Member[], port: number, idle: string) => ({
    discovery: { method: 'base' },
    default_servers: of.map(({ entry }) => entry),
    port,
    policy: { access_log: 'json', timeouts: { idle } },
  });
  for (const member of members.refusing) await member[Symbol.asyncDispose]();
  world = await startWorld({
    ...services,
    tcp: tcp(members.web, ports.tcp, '700ms'),
    gone: tcp(members.refusing, ports.gone, '10s'),
    text: serviceOf(ports.text, members.web, { access_log: 'text' }),
  });
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  for (const [name, each] of Object.entries(members))
    if (name !== 'refusing') for (const member of each) await member[Symbol.asyncDispose]();
});

const output = () => readFile(world.scratch.path('run', 'haproxy.log'), 'utf8');

const lines = async () => linesIn(await output());

/** The line of the request with a path of its own. */
const lineOf = (path: string) =>
  until(async () => (await lines()).find((line) => line.path === path), 10_000);

test('a request that a member answered has who, what, which member, and how long', async () => {
  const headers = {
    'x-request-id': 'id-1',
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  };
  const start = Date.now();
  members.web[0]?.behave(late(50));
  await ask(ports.web, '/answered?q=1', { headers });
  const line = await lineOf('/answered?q=1');
  expect(line).toEqual({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    service: 'web',
    client: '127.0.0.1',
    client_port: expect.stringMatching(/^\d+$/),
    method: 'GET',
    path: '/answered?q=1',
    status: 200,
    route: 'rest',
    member: `a_127.0.0.1:${members.web[0]?.port}`,
    address: `127.0.0.1:${members.web[0]?.port}`,
    queue_ms: 0,
    connect_ms: expect.any(Number),
    response_ms: expect.any(Number),
    total_ms: expect.any(Number),
    retries: 0,
    request_id: 'id-1',
    trace_id: 'a'.repeat(32),
    bytes_in: expect.any(Number),
    bytes_out: expect.any(Number),
    termination: '--',
    reason: 'answered',
  });
  expect(Number(line.response_ms)).toBeGreaterThan(40);
  expect(Math.abs(Date.parse(String(line.time)) - start)).toBeLessThan(2_000);
});

test('ids that the proxy made are those that the member saw', async () => {
  await ask(ports.web, '/made');
  const { request_id: id, trace_id: trace } = await lineOf('/made');
  const seen = members.web[0]?.seen.find(({ url }) => url === '/made');
  expect(seen?.headers['x-request-id']).toBe(id);
  expect(seen?.headers.traceparent).toContain(`-${String(trace)}-`);
});

test.each([
  ['/too-slow', 'web', 504, 'member_too_slow', 'sH'],
  ['/refused', 'refusing', 503, 'member_refused', 'SC'],
  ['/fault', 'web', 418, 'fault', 'LR'],
  ['/moved', 'web', 302, 'redirect', 'LR'],
] as const)('%s of %s has status %d for %s (%s)', async (path, name, status, reason, letters) => {
  if (path === '/too-slow') members.web[0]?.behave(late(2_000));
  expect((await ask(ports[name], path)).status).toBe(status);
  if (path === '/too-slow') members.web[0]?.behave((_, response) => void response.end('a'));
  const line = await lineOf(path);
  expect(line).toMatchObject({ status, reason, termination: letters });
  expect(line.retries).toBe(reason === 'member_refused' ? 2 : 0);
});

test('what is limited says so', async () => {
  await ask(ports.web, '/limited');
  expect((await ask(ports.web, '/limited')).status).toBe(429);
  const line = await until(async () => (await lines()).find(({ status }) => status === 429));
  expect(line).toMatchObject({ route: 'limited', reason: 'rate_limit', member: '<NOSRV>' });

  members.crowded[0]?.behave(late(600));
  await Promise.all([
    ask(ports.crowded, '/first'),
    sleep(100).then(() => ask(ports.crowded, '/second')),
  ]);
  expect(await lineOf('/second')).toMatchObject({ status: 503, reason: 'waited_too_long' });

  members.busy[0]?.behave(late(300));
  await Promise.all([ask(ports.busy, '/one'), sleep(100).then(() => ask(ports.busy, '/two'))]);
  expect(await lineOf('/two')).toMatchObject({ status: 503, reason: 'limit' });

  members.pending[0]?.behave(late(300));
  await Promise.all(
    [0, 100, 200].map((wait, at) => sleep(wait).then(() => ask(ports.pending, `/pending-${at}`))),
  );
  expect(await lineOf('/pending-1')).toMatchObject({ status: 200, reason: 'answered' });
  expect(await lineOf('/pending-2')).toMatchObject({ status: 503, reason: 'limit' });
});

test('no member that is up says so', async () => {
  await world.haproxy.ask(`disable server empty/a_127.0.0.1:${members.empty[0]?.port}`);
  await ask(ports.empty, '/nobody');
  expect(await lineOf('/nobody')).toMatchObject({
    status: 503,
    reason: 'no_member_up',
    termination: 'SC',
    member: '<NOSRV>',
  });
});

test('a member that breaks off says so', async () => {
  members.web[0]?.behave((request) => void request.socket.destroy());
  expect((await ask(ports.web, '/broken')).status).toBe(502);
  members.web[0]?.behave((_, response) => void response.end('a'));
  expect(await lineOf('/broken')).toMatchObject({ reason: 'member_broke_off', termination: 'SH' });
});

test('a client that leaves says so', async () => {
  const body = 'POST /left HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf';
  members.web[0]?.behave((request) => void request.resume());
  await raw(ports.web, body, 100);
  const left = await lineOf('/left');
  expect(left).toMatchObject({ reason: 'client_left' });
  expect(String(left.termination)).toMatch(/^C/);
  // While the answer's body is sent only the letters tell: its head was answered.
  members.web[0]?.behave((_, response) => {
    response.write('x'.repeat(100));
    setTimeout(() => response.write('y'), 200);
    setTimeout(() => response.end('z'), 400);
  });
  await raw(ports.web, 'GET /half HTTP/1.1\r\nhost: x\r\n\r\n', 100);
  expect(await lineOf('/half')).toMatchObject({ reason: 'answered', termination: 'CD' });
  members.web[0]?.behave((_, response) => void response.end('a'));
});

test('hostile texts do not break a line', async () => {
  const before = (await lines()).length;
  const end = 'connection: close\r\n\r\n';
  const requests = [
    `GET /"},{"x":"\\\\'%25%[src]$(id) HTTP/1.1\r\nhost: x\r\nx-request-id: "}\\u0000'\t%n#é\r\n${end}`,
    `GET /${'"'.repeat(6_000)} HTTP/1.1\r\nhost: x\r\n${end}`,
    Buffer.concat([
      Buffer.from('GET /bytes HTTP/1.1\r\nhost: x\r\nx-request-id: '),
      Buffer.from([0xff, 0xc3, 0xa9, 0xe2, 0x82, 0x01 + 0x20, 0x22]),
      Buffer.from(`\r\ntraceparent: 00-"\\-x\r\n${end}`),
    ]),
    `WEIRD"\\ / HTTP/1.1\r\nhost: x\r\n${end}`,
    'GARBAGE\r\n\r\n',
    'GET / HTTP/1.1\r\nhost: x\r\nbad\x01name: 1\r\n\r\n',
    `GET /${'a'.repeat(30_000)} HTTP/1.1\r\nhost: x\r\n${end}`,
  ];
  for (const request of requests) await raw(ports.web, request, 1_000);
  const after = await until(async () => {
    const all = (await lines()).slice(before);
    return all.length >= requests.length && all;
  });
  // Two threads of HAProxy write them, in whatever order.
  const at = (start: string) => after.find(({ path }) => String(path).startsWith(start));
  expect(at('/"},')).toMatchObject({ path: `/"},{"x":"\\\\'%25%[src]$(id)`, status: 200 });
  expect(at('/"},')?.request_id).toBe(`"}\\u0000'\t%n#é`);
  expect(at('/""')?.path).toBe(`/${'"'.repeat(2047)}`);
  expect(at('/bytes')?.request_id).toMatch(/^é/);
  const broken = after.filter(({ reason }) => reason === 'bad_request');
  expect(broken.length).toBeGreaterThanOrEqual(3);
  for (const line of broken) expect(line).toMatchObject({ service: 'web', termination: 'PR' });
  expect(await output()).not.toContain('uid=');
});

test('connections of TCP say why they ended, too', async () => {
  await ask(ports.tcp, '/over-tcp');
  const by = (reason: string) =>
    until(
      async () =>
        (await lines()).find((line) => line.reason === reason && line.method === undefined),
      10_000,
    );
  expect(await by('done')).toMatchObject({ service: 'tcp', retries: 0, termination: '--' });
  members.web[0]?.behave(late(1_500));
  await raw(ports.tcp, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n', 100);
  expect(await by('client_left')).toMatchObject({ termination: 'CD' });
  await raw(ports.tcp, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n', 1_500);
  expect(
    await until(
      async () => (await lines()).find(({ termination }) => /^[cs]D$/.test(String(termination))),
      10_000,
    ),
  ).toMatchObject({
    reason: expect.stringMatching(/too_slow$/),
  });
  members.web[0]?.behave((_, response) => void response.end('a'));
  await raw(ports.gone, 'x', 3_000);
  const refused = await by('member_refused');
  expect(refused).toMatchObject({ service: 'gone', termination: 'SC', connect_ms: -1 });
  expect(refused.retries).toBe(2);
});

test('text is HAProxy’s own', async () => {
  await ask(ports.text, '/as-text');
  await until(async () => / text(\.frontend)? .*"GET \/as-text HTTP\/1\.1"$/m.test(await output()));
});
