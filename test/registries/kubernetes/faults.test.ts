import type { IncomingMessage, ServerResponse } from 'node:http';

import { describe, expect, test } from 'vitest';

import { type ApiServer, startApiServer } from '../../support/kubernetes/api-server.ts';
import { type Follower, startFollower } from '../../support/kubernetes/followed.ts';
import { sliceOf, type TestSlice } from '../../support/kubernetes/slices.ts';
import { freePort } from '../../support/ports.ts';
import { startRelay } from '../../support/relay.ts';
import { until } from '../../support/until.ts';

const one = { address: '10.1.0.1', pod: 'web-1' };
const two = { address: '10.1.0.2', pod: 'web-2' };
const evil = { address: '10.6.6.6', pod: 'evil' };

interface Stage extends AsyncDisposable {
  readonly server: ApiServer;
  readonly follower: Follower;
  put(slice: TestSlice): void;
  /** Makes the watch end and its version too old, so that everything has to be listed anew. */
  relist(): void;
}

async function startStage(): Promise<Stage> {
  const server = await startApiServer({ port: await freePort() });
  const follower = startFollower({ server: server.url });
  return {
    server,
    follower,
    put: (slice) => void server.objects.put(sliceOf(slice) as never),
    relist: () => {
      server.objects.skip(1);
      server.objects.compact();
      server.watches.end();
    },
    [Symbol.asyncDispose]: async () => {
      await follower[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const listOf = (items: readonly unknown[], metadata: object = { resourceVersion: '100000' }) => ({
  kind: 'EndpointSliceList',
  apiVersion: 'discovery.k8s.io/v1',
  metadata,
  items,
});
/** An object as a server sends it, with a version. */
const sent = (slice: TestSlice, resourceVersion: string | undefined = '100000') => {
  const { metadata, ...rest } = sliceOf(slice);
  return { ...rest, metadata: { ...metadata, resourceVersion } };
};
const says =
  (body: unknown, code = 200) =>
  (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(code, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };

describe.concurrent('a list that is no good changes no members, and is said', () => {
  test.each<[string, (request: IncomingMessage, response: ServerResponse) => void, RegExp]>([
    [
      'a 500',
      says({ kind: 'Status', message: 'etcdserver: no leader', code: 500 }, 500),
      /500: etcdserver: no leader/,
    ],
    ['a 502 of a proxy', says('<html>Bad Gateway</html>', 502), /answered 502: <html>Bad Gateway/],
    [
      'a redirect',
      (_, response) => response.writeHead(302, { location: 'http://10.6.6.6/' }).end(),
      /a redirect to http:..10.6.6.6/,
    ],
    ['half JSON', says('{"kind":"EndpointSliceList","items":['), /not valid JSON/],
    [
      'an answer that is cut off',
      (_, response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('{"kind"', () => response.destroy());
      },
      /aborted|cut off/,
    ],
    ['another kind', says({ ...listOf([]), kind: 'PodList' }), /got PodList of discovery/],
    ['a Status', says({ kind: 'Status', apiVersion: 'v1', status: 'Failure' }), /got Status of v1/],
    [
      'another version of the API',
      says({ ...listOf([]), apiVersion: 'discovery.k8s.io/v2' }),
      /k8s.io.v2/,
    ],
    ['a list without a version', says(listOf([], {})), /expected an EndpointSliceList/],
    [
      'another namespace',
      says(listOf([sent({ namespace: 'pay', endpoints: [evil] })])),
      /of namespace pay/,
    ],
    [
      'an object without a version',
      says(
        listOf([{ ...sent({ endpoints: [evil] }), metadata: { name: 'a', namespace: 'shop' } }]),
      ),
      /metadata.resourceVersion/,
    ],
    [
      'an object of another kind',
      says(listOf([{ kind: 'Pod', apiVersion: 'v1' }])),
      /got Pod of v1/,
    ],
    ['endpoints that are none', says(listOf([{ ...sent({}), endpoints: 'all' }])), /endpoints/],
    [
      'more endpoints than a slice may have',
      says(listOf([sent({ endpoints: Array.from({ length: 1001 }, () => evil) })])),
      /endpoints: Too big/,
    ],
    [
      'an older version',
      says(listOf([sent({ endpoints: [evil] }, '7')], { resourceVersion: '7' })),
      /went back from \d+ to 7/,
    ],
    [
      'pages without an end',
      says(listOf([], { resourceVersion: '100000', continue: 'x' })),
      /leads back/,
    ],
  ])('%s', async (_, answer, reason) => {
    await using stage = await startStage();
    const { server, follower, put, relist } = stage;
    put({ endpoints: [one] });
    const web = follower.follow();
    await until(() => server.watches.count === 1);
    server.settings.fault = (request, response) => {
      if (request.url?.includes('watch=')) return false;
      answer(request, response);
      return true;
    };
    put({ endpoints: [one, two] });
    await until(() => web.members()?.length === 2);
    relist();
    await until(() => reason.test(web.troubles.at(-1) ?? ''));
    expect(web.members()).toEqual(['web-1 10.1.0.1:8080', 'web-2 10.1.0.2:8080']);
    server.settings.fault = () => false;
    put({ endpoints: [two] });
    await until(() => web.members()?.length === 1 && web.troubles.at(-1) === undefined);
    expect(JSON.stringify(web.lists)).not.toContain('10.6.6.6');
    expect(performance.now() - (follower.lastUnhealthy() ?? 0)).toBeLessThan(30_000);
  });
});

describe.concurrent('what a watch should not say changes no members, and everything is listed anew', () => {
  const event = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;
  test.each([
    [
      'an error',
      event('ERROR', { kind: 'Status', code: 500, message: 'storage is (re)initializing' }),
    ],
    ['a bookmark without a version', event('BOOKMARK', { kind: 'EndpointSlice' })],
    ['a bookmark that goes back', event('BOOKMARK', sent({}, '1'))],
    ['an unknown type', event('REPLACED', sent({ endpoints: [evil] }))],
    ['no object', event('ADDED', undefined)],
    ['another namespace', event('ADDED', sent({ namespace: 'pay', endpoints: [evil] }))],
    ['another kind', event('MODIFIED', { ...sent({ endpoints: [evil] }), kind: 'Endpoints' })],
    ['an older version', event('MODIFIED', sent({ endpoints: [evil] }, '1'))],
    ['half JSON', '{"type":"MODIFIED","object":{"kind"\n'],
    ['no JSON', 'event: message\n'],
    ['a line without an end', 'x'.repeat(9 * 1024 * 1024)],
  ])('%s', async (_, line) => {
    await using stage = await startStage();
    const { server, follower, put } = stage;
    put({ endpoints: [one] });
    const web = follower.follow();
    await until(() => server.watches.count === 1);
    server.watches.send(line);
    await until(() => server.asked.filter((each) => each === 'list shop').length === 2);
    await until(() => server.watches.count === 1);
    expect(web.members()).toEqual(['web-1 10.1.0.1:8080']);
    put({ endpoints: [two] });
    await until(() => web.members()?.[0]?.startsWith('web-2'));
    expect(JSON.stringify(web.lists)).not.toContain('10.6.6.6');
    expect(follower.lastUnhealthy()).toBeDefined();
  });
});

test('an event without a version is no event', async () => {
  await using stage = await startStage();
  const { server, follower, put } = stage;
  put({ endpoints: [one] });
  const web = follower.follow();
  await until(() => server.watches.count === 1);
  const { metadata, ...rest } = sliceOf({ endpoints: [evil] });
  server.watches.send(`${JSON.stringify({ type: 'MODIFIED', object: { ...rest, metadata } })}\n`);
  await until(() => server.asked.length === 4);
  expect(web.members()).toEqual(['web-1 10.1.0.1:8080']);
});

test('an API server that is away changes no members, and is followed once it is back', async () => {
  await using stage = await startStage();
  const { server, follower, put } = stage;
  put({ endpoints: [one] });
  const web = follower.follow();
  await until(() => server.watches.count === 1);
  await server.stop();
  await until(() => /ECONNREFUSED/.test(web.troubles.at(-1) ?? ''));
  put({ endpoints: [one, two] });
  await server.start();
  await until(() => web.members()?.length === 2 && web.troubles.at(-1) === undefined);
  expect(server.asked.filter((each) => each === 'list shop')).toHaveLength(1);
});

test('nothing is known before the first whole list, and no empty list is made of that', async () => {
  await using stage = await startStage();
  const { server, follower, put } = stage;
  put({ endpoints: [one] });
  server.settings.fault = (_, response) => {
    says('{}', 503)(_, response);
    return true;
  };
  const web = follower.follow();
  await until(() => web.troubles.length > 1);
  expect(web.lists).toEqual([]);
  expect(web.missing).toEqual([]);
  server.settings.fault = () => false;
  await until(() => web.members()?.length === 1);
});

test('an empty list after a full one is taken, but doubted', async () => {
  await using stage = await startStage();
  const { server, follower, put, relist } = stage;
  put({ endpoints: [one, two] });
  const web = follower.follow();
  await until(() => server.watches.count === 1);
  await server.stop();
  server.objects.remove('shop', 'web-abcde');
  relist();
  await server.start();
  await until(() => web.members()?.length === 0);
  expect(performance.now() - (follower.lastUnhealthy() ?? 0)).toBeLessThan(30_000);
});

test('a right that is taken away is named, with the Role that gives it', async () => {
  await using stage = await startStage();
  const { server, follower, put } = stage;
  put({ endpoints: [one] });
  server.settings.forbids = (_, verb) => verb === 'list';
  const web = follower.follow();
  await until(() => web.troubles.some((each) => each !== undefined));
  expect(web.troubles.at(-1)).toBe(
    'cannot list endpointslices in namespace shop: 403: endpointslices.discovery.k8s.io is forbidden: User "system:anonymous" cannot list resource "endpointslices" in API group "discovery.k8s.io" in the namespace "shop"; give it a Role: kubectl create role smartstack-synapse -n shop --verb=list,watch --resource=endpointslices.discovery.k8s.io; kubectl create rolebinding smartstack-synapse -n shop --role=smartstack-synapse --user=USER',
  );
  server.settings.forbids = (_, verb) => verb === 'watch';
  await until(() => web.members()?.length === 1);
  await until(() => /cannot watch endpointslices/.test(web.troubles.at(-1) ?? ''));
  put({ endpoints: [two] });
  // What may not be watched is asked for now and then.
  await until(() => web.members()?.[0]?.startsWith('web-2'));
});

test('10,000 endpoints are followed, and a change of one costs little', async () => {
  await using stage = await startStage();
  const { server, follower, put } = stage;
  const endpoints = (n: number) =>
    Array.from({ length: 100 }, (_, m) => ({
      address: `10.${n}.0.${m + 1}`,
      pod: `web-${n}-${m}`,
    }));
  for (let n = 0; n < 100; n++) put({ name: `web-${n}`, endpoints: endpoints(n) });
  const web = follower.follow();
  await until(() => web.members()?.length === 10_000);
  await until(() => server.watches.count === 1);
  const before = server.bytes();
  put({ name: 'web-7', endpoints: endpoints(7).slice(1) });
  await until(() => web.lists.at(-1)?.length === 9_999);
  expect(server.bytes().sent - before.sent).toBeLessThan(30_000);
  expect(server.bytes().received - before.received).toBe(0);
});

test('through a network that cuts at any byte, and then delays, nothing wrong is served, and nothing is lost', async () => {
  await using stage = await startStage();
  const { server, put } = stage;
  await using relay = await startRelay(server.port);
  await using follower = startFollower({ server: `http://127.0.0.1:${relay.port}` });
  const of = (n: number) =>
    Array.from({ length: 5 }, (_, m) => ({ address: `10.${n}.0.${m + 1}`, pod: `web-${m}` }));
  put({ endpoints: of(0) });
  const web = follower.follow();
  await until(() => web.members()?.length === 5);
  for (let n = 1; n <= 6; n++) {
    await until(() => server.watches.count === 1);
    if (n === 5) relay.delayAnswers(() => 5 * Math.random());
    if (n % 2 === 0) server.objects.compact();
    relay.cutWithin(300 * n);
    put({ endpoints: of(n) });
    await until(() => web.members()?.[0] === `web-0 10.${n}.0.1:8080`);
  }
  for (const list of web.lists) {
    expect(list).toHaveLength(5);
    expect(new Set(list.map(({ host }) => host.split('.')[1])).size).toBe(1);
  }
});
