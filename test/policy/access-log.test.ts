import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { until } from '../support/until.ts';
import { refusing } from './hung.fixture.ts';
import { linesIn, logOf, raw } from './log.fixture.ts';
import { type Asked, type Case, type Scene, startScene } from './scene.fixture.ts';
import { differs, subjects } from './subject.fixture.ts';
import { ask, late, type Member, status } from './world.fixture.ts';

const json = { access_log: 'json', outlier_ejection: false } as const;
const policies = {
  web: {
    ...json,
    request_id: true,
    trace: 'w3c',
    timeouts: { per_try: '300ms' },
    retries: { on: ['connect_failure', 503], methods: ['GET'], attempts: 1, budget: '100%' },
    routes: [
      { name: 'fault', match: { path: '/fault' }, fault: { abort: { status: 418 } } },
      { name: 'limited', match: { path: '/limited' }, rate_limit: { requests: 1, per: '1m' } },
      { name: 'moved', match: { path: '/moved' }, redirect: { host: 'example.com' } },
      { name: 'here', match: { path: '/here' }, redirect: { path: '/there' } },
      { name: 'gone', match: { path: '/gone' }, respond: { status: 410 } },
      { name: 'cut', match: { path_prefix: '/cut' }, rewrite: { path_prefix: '/' } },
    ],
  },
  refusing: json,
  empty: { ...json, routes: [{ name: 'all' }] },
  crowded: { ...json, limits: { per_member: 1 }, timeouts: { queue: '200ms' } },
  busy: { ...json, limits: { requests: 1 } },
  pending: { ...json, limits: { per_member: 1, pending: 1 }, timeouts: { queue: '2s' } },
} as const;
type Name = keyof typeof policies;

describe.each(subjects)('the access log of $title', (subject) => {
  const well = differs(subject, 'letters of what ended well', { haproxy: '--', envoy: '-' });
  const nobody = differs(subject, 'the member of a request that got none', {
    haproxy: '<NOSRV>',
    envoy: null,
  });
  let scene: Scene<Name>;
  const ports = {} as Record<Name, number>;
  const members = {} as Record<Name, readonly Member[]>;
  beforeAll(async () => {
    const cases = Object.fromEntries(
      Object.entries(policies).map(([name, policy]) => [name, { policy, versions: ['v1'] }]),
    ) as unknown as Record<Name, Asked>;
    const refused = { ...cases.refusing, members: [await refusing('a')] };
    const empty = { ...cases.empty, members: [] };
    scene = await startScene<Name>({ ...cases, refusing: refused, empty }, subject);
    for (const [name, each] of Object.entries<Case>(scene.cases)) {
      ports[name as Name] = each.port;
      members[name as Name] = each.members;
    }
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  const output = () => logOf(scene.world, subject);

  const lines = async () => linesIn(await output());

  /** The line of the request with a path of its own. */
  const lineOf = (path: string) =>
    until(async () => (await lines()).find((line) => line.path === path), 20_000);

  test('a request that a member answered has who, what, which member, and how long', async () => {
    const headers = {
      'x-request-id': 'id-1',
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    };
    const start = Date.now();
    members.web[0]?.behave(late(50));
    await ask(ports.web, '/cut/answered?q=1', { headers });
    const line = await lineOf('/cut/answered?q=1');
    expect(line).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      service: 'web',
      client: '127.0.0.1',
      client_port: expect.stringMatching(/^\d+$/),
      method: 'GET',
      path: '/cut/answered?q=1',
      status: 200,
      route: 'cut',
      member: `a_127.0.0.1:${members.web[0]?.port}`,
      address: `127.0.0.1:${members.web[0]?.port}`,
      queue_ms: expect.any(Number),
      connect_ms: expect.any(Number),
      response_ms: expect.any(Number),
      total_ms: expect.any(Number),
      retries: 0,
      request_id: 'id-1',
      trace_id: 'a'.repeat(32),
      bytes_in: expect.any(Number),
      bytes_out: expect.any(Number),
      termination: well,
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
    expect(seen?.headers.traceparent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
    expect(seen?.headers).not.toHaveProperty('x-synapse-trace');
  });

  test('what was tried again says how often', async () => {
    members.web[0]?.behave(status(503));
    await ask(ports.web, '/again');
    await ask(ports.web, '/once', { method: 'POST' });
    members.web[0]?.behave((_, response) => void response.end('a'));
    expect(await lineOf('/again')).toMatchObject({ retries: 1, status: 503 });
    expect(await lineOf('/once')).toMatchObject({ retries: 0, status: 503 });
  });

  test.each([
    ['/too-slow', 'web', 504, 'member_too_slow', 'sH', 'UT'],
    ['/refused', 'refusing', 503, 'member_refused', 'SC', 'URX,UF'],
    ['/fault', 'web', 418, 'fault', 'LR', 'FI'],
    ['/moved', 'web', 302, 'redirect', 'LR', '-'],
    ['/here', 'web', 302, 'redirect', 'LR', '-'],
    ['/gone', 'web', 410, 'respond', 'LR', '-'],
    ['/nobody', 'empty', 503, 'no_member_up', 'SC', 'UH'],
  ] as const)('%s of %s has status %d for %s', async (path, name, code, reason, haproxy, envoy) => {
    if (path === '/too-slow') members.web[0]?.behave(late(2_000));
    expect((await ask(ports[name], path)).status).toBe(code);
    if (path === '/too-slow') members.web[0]?.behave((_, response) => void response.end('a'));
    const termination = differs(subject, `letters of ${reason}`, { haproxy, envoy });
    expect(await lineOf(path)).toMatchObject({
      status: code,
      reason,
      termination,
      retries: reason === 'member_refused' ? 2 : 0,
    });
  });

  test('what is limited says so', async () => {
    await ask(ports.web, '/limited');
    expect((await ask(ports.web, '/limited')).status).toBe(429);
    const line = await until(async () => (await lines()).find(({ status }) => status === 429));
    expect(line).toMatchObject({ route: 'limited', reason: 'rate_limit', member: nobody });

    members.crowded[0]?.behave(late(600));
    await Promise.all([
      ask(ports.crowded, '/first'),
      sleep(100).then(() => ask(ports.crowded, '/second')),
    ]);
    expect(await lineOf('/second')).toMatchObject(
      differs(subject, 'who waits longer than timeouts.queue', {
        haproxy: { status: 503, reason: 'waited_too_long' },
        envoy: { status: 200, reason: 'answered' },
      }),
    );

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

  test('a member that breaks off says so', async () => {
    members.web[0]?.behave((request) => void request.socket.destroy());
    expect((await ask(ports.web, '/broken')).status).toBe(
      differs(subject, 'a member that breaks off is', { haproxy: 502, envoy: 503 }),
    );
    members.web[0]?.behave((_, response) => void response.end('a'));
    expect(await lineOf('/broken')).toMatchObject({ reason: 'member_broke_off' });
  });

  test('a client that leaves says so', async () => {
    const body = 'POST /left HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf';
    members.web[0]?.behave((request) => void request.resume());
    await raw(ports.web, body, 100);
    const left = await lineOf('/left');
    expect(left).toMatchObject({ reason: 'client_left' });
    const letters = differs(
      subject,
      'letters of a client that left before the answer, and within it',
      {
        haproxy: { before: /^C[DH]$/, within: { reason: 'answered', termination: 'CD' } },
        envoy: { before: /^DC$/, within: { reason: 'client_left', termination: 'DC' } },
      },
    );
    expect(left.termination).toMatch(letters.before);
    // While the answer's body is sent only the letters tell: its head was answered.
    members.web[0]?.behave((_, response) => {
      response.write('x'.repeat(100));
      setTimeout(() => response.write('y'), 200);
      setTimeout(() => response.end('z'), 400);
    });
    await raw(ports.web, 'GET /half HTTP/1.1\r\nhost: x\r\n\r\n', 100);
    expect(await lineOf('/half')).toMatchObject(letters.within);
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
    const bytes = differs(subject, 'a header that is no UTF-8 begins with', {
      haproxy: 'é',
      envoy: 'ÿÃ©',
    });
    expect(String(at('/bytes')?.request_id).startsWith(bytes)).toBe(true);
    const termination = differs(subject, 'letters of what is no request', {
      haproxy: 'PR',
      envoy: 'DPE',
    });
    const broken = after.filter(({ reason }) => reason === 'bad_request');
    expect(broken.length).toBeGreaterThanOrEqual(3);
    for (const line of broken) expect(line).toMatchObject({ service: 'web', termination });
    expect(await output()).not.toContain('uid=');
  });
});
