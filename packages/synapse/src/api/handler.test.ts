import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Service, Snapshot } from '@smartstack/proxy';
import type { Instance } from '@smartstack/registry';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startServer, type TestServer } from '../../../registry/src/http/server.fixture.ts';
import { type Catalog, createCatalog } from './catalog.ts';
import { createApi, orderHeader } from './handler.ts';

let server: TestServer;
let catalog: Catalog;
const accepted: string[] = [];
const never = new AbortController().signal;

beforeEach(async () => {
  catalog = createCatalog(100);
  const api = createApi({
    health: async () => ({ stateOf: () => 'up' }),
    compare: (name) => (name === 'web' ? { equal: true } : undefined),
    catalog,
    explain: (name) => (name === 'web' ? { service: 'web' } : undefined),
    accept: (name) => (name === 'web' ? accepted.push(name) > 0 : undefined),
  });
  server = await startServer((request, response) => {
    if (!api(request, response)) response.writeHead(418).end();
  });
});
afterEach(() => server[Symbol.asyncDispose]());

const member = (host: string): Instance => ({ host, port: 1, haproxyServerOptions: 'backup' });
const service = (name: string, ...hosts: string[]): Service => ({
  name,
  instances: hosts.map(member),
  defaults: [],
  origin: 'x',
});
const apply = (...services: Service[]) =>
  catalog.driver.apply(
    new Map(services.map((each) => [each.name, each])) satisfies Snapshot,
    never,
  );
const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${server.url}${path}`, { headers });
const body = async (response: Response | Promise<Response>) =>
  (await response).json() as Promise<object>;

test('before the first snapshot nothing is known, which is not nothing', async () => {
  expect((await get('/v1/services')).status).toBe(503);
});

test('what is no path is not ours', async () => {
  const { hostname, port } = new URL(server.url);
  const request = httpGet({ hostname, port, path: '//' });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(418);
});

test('services and their members are told, without a proxy’s words', async () => {
  await apply(service('web', 'a', 'b'), {
    name: 'api',
    instances: undefined,
    defaults: [member('d')],
    origin: 'x',
  });
  expect(await body(get('/v1/services'))).toEqual({
    services: {
      web: { index: 101, stale: false, members: 2 },
      api: { index: 102, stale: true, members: 1 },
    },
  });
  expect(await body(get('/v1/services/web'))).toEqual({
    service: 'web',
    index: 101,
    stale: false,
    members: [
      { host: 'a', port: 1 },
      { host: 'b', port: 1 },
    ],
  });
});

test('only a changed service has a new index', async () => {
  const web = service('web', 'a');
  await apply(web, service('api', 'a'));
  await apply(web, service('api', 'b'));
  expect(await body(get('/v1/services'))).toMatchObject({
    services: { web: { index: 101 }, api: { index: 103 } },
  });
});

test('what is known by its tag is not sent again', async () => {
  await apply(service('web', 'a'));
  const first = await get('/v1/services/web');
  const etag = first.headers.get('etag') ?? '';
  expect((await get('/v1/services/web', { 'if-none-match': etag })).status).toBe(304);
  await apply(service('web', 'b'));
  expect((await get('/v1/services/web', { 'if-none-match': etag })).status).toBe(200);
});

test('a reader that knows the index waits for the next', async () => {
  await apply(service('web', 'a'));
  const waiting = body(get('/v1/services/web?index=101&wait=10s'));
  await new Promise((resolve) => setTimeout(resolve, 30));
  await apply(service('web', 'b'));
  expect(await waiting).toMatchObject({ index: 102, members: [{ host: 'b' }] });
  expect(await body(get('/v1/services/web?index=101&wait=10s'))).toMatchObject({ index: 102 });
});

test('a wait ends with its time, or with the service', async () => {
  await apply(service('web', 'a'));
  expect(await body(get('/v1/services/web?index=101&wait=20ms'))).toMatchObject({ index: 101 });
  const waiting = get('/v1/services/web?index=101&wait=10s');
  await new Promise((resolve) => setTimeout(resolve, 30));
  await apply();
  expect((await waiting).status).toBe(404);
});

test('every change is an event, and one that was seen is not told again', async () => {
  await apply(service('web', 'a'));
  const ended = new AbortController();
  const read = async (headers: Record<string, string>) => {
    const response = await fetch(`${server.url}/v1/services/web/events`, {
      headers,
      signal: ended.signal,
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    return async () => (await reader?.read())?.value ?? '';
  };
  const [fresh, again] = [await read({}), await read({ 'last-event-id': '101' })];
  expect(await fresh()).toMatch(/^id: 101\nevent: members\ndata: \{.*"host":"a".*\}\n\n$/);
  await apply(service('web', 'b'));
  expect(await fresh()).toMatch(/^id: 102\n/);
  expect(await again()).toMatch(/^id: 102\n/);
  ended.abort();
});

test('a reader of events that never reads costs no memory for what it misses', async () => {
  const hosts = Array.from({ length: 40_000 }, (_, n) => `host-${n}`);
  await apply(service('web', ...hosts));
  const { port } = new URL(server.url);
  const lazy = connect(Number(port), '127.0.0.1').pause();
  lazy.write('GET /v1/services/web/events HTTP/1.1\r\nhost: x\r\n\r\n');
  const buffered = () => Math.max(0, ...server.sockets.map(({ writableLength }) => writableLength));
  await vi.waitFor(() => expect(server.asked).toHaveLength(1));
  for (let change = 0; change < 30; change += 1) {
    await apply(service('web', `new-${change}`, ...hosts));
    await nextTurn();
  }
  const one = JSON.stringify(hosts.map(member)).length;
  expect(buffered()).toBeLessThan(3 * one);
  lazy.resume();
  let last = '';
  for await (const part of lazy) {
    last = (last + String(part)).slice(-one * 2);
    if (last.includes('"new-29"')) break;
  }
  expect(last).toContain('"new-29"');
});

test('a thousand readers that wait are all answered by one change', async () => {
  await apply(service('web', 'a'));
  const waiting = Array.from({ length: 1_000 }, async () =>
    body(get('/v1/services/web?index=101&wait=30s')),
  );
  await vi.waitFor(() => expect(server.sockets.length).toBeGreaterThanOrEqual(1_000), 10_000);
  await apply(service('web', 'b'));
  const answers = (await Promise.all(waiting)) as { index: number }[];
  expect(new Set(answers.map(({ index }) => index))).toEqual(new Set([102]));
}, 20_000);

test('Prometheus is told of all members or of those it asks for, and never of none where none is known', async () => {
  await apply(service('web', 'a'), service('api', 'b'), service('none'), {
    name: 'silent',
    instances: undefined,
    defaults: [],
    origin: 'x',
  });
  const targets = async (query: string) =>
    ((await body(get(`/v1/prometheus${query}`))) as { targets: string[] }[]).flatMap(
      (each) => each.targets,
    );
  expect(await targets('')).toEqual(['a:1', 'b:1']);
  expect(await targets('?service=api&service=gone')).toEqual(['b:1']);
  expect(await targets('?service=none')).toEqual([]);
  const silent = await get('/v1/prometheus?service=silent');
  expect(silent.status).toBe(503);
  expect(await body(silent)).toEqual({ error: 'no answer from silent’s discovery yet' });
});

test('Prometheus is not told of more members than it can be expected to read', async () => {
  await apply(service('web', ...Array.from({ length: 100_001 }, (_, n) => `host-${n}`)));
  expect((await get('/v1/prometheus')).status).toBe(503);
});

test('a held loss is accepted only by an order', async () => {
  await apply(service('web', 'a'));
  expect((await get('/v1/accept/web')).status).toBe(405);
  const post = (path: string, headers: Record<string, string>) =>
    fetch(`${server.url}${path}`, { method: 'POST', headers });
  expect((await post('/v1/accept/web', {})).status).toBe(405);
  expect(accepted).toEqual([]);
  expect(await body(post('/v1/accept/web', { [orderHeader]: '1' }))).toEqual({
    service: 'web',
    accepted: true,
  });
  expect((await post('/v1/accept/other', { [orderHeader]: '1' })).status).toBe(404);
});

test.each([
  ['/v1/services/other', 404],
  ['/v1/services/other/events', 404],
  ['/v1/services/web/x', 404],
  ['/v1/services/web/events/x', 404],
  ['/v1/services/%zz', 404],
  ['/v1/services/web?index=101&wait=soon', 400],
  ['/v1/explain/web', 200],
  ['/v1/explain/other', 404],
  ['/v1/', 404],
  ['/other', 418],
])('%s is answered %d', async (path, status) => {
  await apply(service('web', 'a'));
  expect((await get(path)).status).toBe(status);
});
