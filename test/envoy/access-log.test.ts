import { readFile } from 'node:fs/promises';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { staticBootstrap } from '../../packages/envoy/src/resources/bootstrap.fixture.ts';
import { createResources } from '../../packages/envoy/src/resources/resources.ts';
import {
  options,
  snapshotOf,
  type Written,
} from '../../packages/envoy/src/resources/service.fixture.ts';
import { linesIn, raw } from '../policy/log.fixture.ts';
import { ask, late, type Member, startMember, status } from '../policy/world.fixture.ts';
import { type RawEnvoy, startEnvoy } from '../support/envoy.ts';
import { freePort } from '../support/ports.ts';
import { createScratch, type Scratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

const json = { access_log: 'json', outlier_ejection: false };
const policy = {
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
};

let scratch: Scratch;
let envoy: RawEnvoy;
let member: Member;
const ports = { web: 0, empty: 0, refusing: 0, tcp: 0 };

beforeAll(async () => {
  scratch = await createScratch();
  member = await startMember('a');
  for (const name of ['web', 'empty', 'refusing', 'tcp'] as const) ports[name] = await freePort();
  const { name, port } = member;
  const members = [{ name, host: '127.0.0.1', port }];
  const nobody = [{ name, host: '127.0.0.1', port: await freePort() }];
  const services: Readonly<Record<string, Written>> = {
    web: { port: ports.web, members, policy },
    empty: { port: ports.empty, members: [], policy: json },
    refusing: { port: ports.refusing, members: nobody, policy: json },
    tcp: { port: ports.tcp, members: nobody, protocol: 'tcp', policy: { access_log: 'json' } },
  };
  const target = { file: scratch.path('access.log') };
  const { resources } = createResources({ ...options, target })(snapshotOf(services));
  envoy = await startEnvoy(staticBootstrap(resources), scratch.path('envoy'));
});
afterAll(async () => {
  await envoy?.[Symbol.asyncDispose]();
  await member?.[Symbol.asyncDispose]();
  await scratch?.[Symbol.asyncDispose]();
});

/** The first line with these values; Envoy writes them down each 10 s, unless it is told to. */
const lineWith = (values: Readonly<Record<string, unknown>>) =>
  until(async () => {
    await envoy.admin.post('/reopen_logs', AbortSignal.timeout(5_000)).catch(() => {});
    const lines = linesIn(await readFile(scratch.path('access.log'), 'utf8'));
    return lines.find((line) =>
      Object.entries(values).every(([key, value]) => line[key] === value),
    );
  }, 20_000);

test('a line has the fields that HAProxy’s has', async () => {
  const headers = {
    'x-request-id': 'id-1',
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  };
  await ask(ports.web, '/cut/answered?q=1', { headers });
  expect(await lineWith({ path: '/cut/answered?q=1' })).toEqual({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    service: 'web',
    client: '127.0.0.1',
    client_port: expect.stringMatching(/^\d+$/),
    method: 'GET',
    path: '/cut/answered?q=1',
    status: 200,
    route: 'cut',
    member: `a_127.0.0.1:${member.port}`,
    address: `127.0.0.1:${member.port}`,
    queue_ms: expect.any(Number),
    connect_ms: expect.any(Number),
    response_ms: expect.any(Number),
    total_ms: expect.any(Number),
    retries: 0,
    request_id: 'id-1',
    trace_id: 'a'.repeat(32),
    bytes_in: expect.any(Number),
    bytes_out: expect.any(Number),
    termination: '-',
    reason: 'answered',
  });
});

test('ids that the proxy made are those that the member saw', async () => {
  await ask(ports.web, '/made');
  const { request_id: id, trace_id: trace } = await lineWith({ path: '/made' });
  const seen = member.seen.find(({ url }) => url === '/made');
  expect(seen?.headers['x-request-id']).toBe(id);
  expect(seen?.headers.traceparent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
  expect(seen?.headers).not.toHaveProperty('x-synapse-trace');
});

test('what was tried again says how often', async () => {
  member.behave(status(503));
  await ask(ports.web, '/again');
  await ask(ports.web, '/once', { method: 'POST' });
  member.behave((_, response) => void response.end('a'));
  expect(await lineWith({ path: '/again' })).toMatchObject({ retries: 1, status: 503 });
  expect(await lineWith({ path: '/once' })).toMatchObject({ retries: 0, status: 503 });
});

test.each([
  ['/fault', 'web', 'fault'],
  ['/moved', 'web', 'redirect'],
  ['/here', 'web', 'redirect'],
  ['/gone', 'web', 'respond'],
  ['/nobody', 'empty', 'no_member_up'],
  ['/refused', 'refusing', 'member_refused'],
] as const)('%s of %s says %s', async (path, name, reason) => {
  await ask(ports[name], path);
  expect(await lineWith({ path })).toMatchObject({ service: name, reason });
});

test('so does what is limited, too slow, broken off, or no request', async () => {
  await ask(ports.web, '/limited');
  await ask(ports.web, '/limited');
  expect(await lineWith({ path: '/limited', status: 429 })).toMatchObject({ reason: 'rate_limit' });
  member.behave(late(1_000));
  await ask(ports.web, '/late', { method: 'POST' });
  member.behave((request) => void request.socket.destroy());
  await ask(ports.web, '/broken', { method: 'POST' });
  member.behave((_, response) => void response.end('a'));
  expect(await lineWith({ path: '/late' })).toMatchObject({ reason: 'member_too_slow' });
  expect(await lineWith({ path: '/broken' })).toMatchObject({ reason: 'member_broke_off' });
  await raw(ports.web, 'GARBAGE\r\n\r\n', 500);
  expect(await lineWith({ reason: 'bad_request' })).toMatchObject({ service: 'web', status: 400 });
  // It is reset, maybe at once.
  await raw(ports.tcp, 'x', 500).catch(() => {});
  expect(await lineWith({ service: 'tcp' })).toMatchObject({
    reason: 'member_refused',
    retries: 2,
  });
});
