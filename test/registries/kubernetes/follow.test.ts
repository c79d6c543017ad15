import { sourceOf } from '@smartstack/registry';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { type ApiServer, startApiServer } from '../../support/kubernetes/api-server.ts';
import { type Follower, startFollower } from '../../support/kubernetes/followed.ts';
import { createKubectl } from '../../support/kubernetes/kubectl.ts';
import { sliceOf, type TestSlice } from '../../support/kubernetes/slices.ts';
import { freePort } from '../../support/ports.ts';
import { createScratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

let server: ApiServer;
let follower: Follower;

beforeEach(async () => {
  server = await startApiServer({ port: await freePort() });
  follower = startFollower({ server: server.url });
});

afterEach(async () => {
  await follower[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const put = (slice: TestSlice) => void server.objects.put(sliceOf(slice) as never);
const one = { address: '10.1.0.1', pod: 'web-1' };
const two = { address: '10.1.0.2', pod: 'web-2' };

test('what kubectl patches is followed, and said where it stands', async () => {
  await using scratch = await createScratch();
  const kubectl = await createKubectl(server, scratch.directory);
  const slice = sliceOf({ endpoints: [one] });
  await kubectl.pipe(slice, 'create', '--validate=false', '-f', '-');
  const web = follower.follow();
  await until(() => web.members()?.length === 1);
  expect(web.members()).toEqual(['web-1 10.1.0.1:8080']);
  const patch = JSON.stringify({ endpoints: sliceOf({ endpoints: [one, two] }).endpoints });
  await kubectl.run('patch', 'endpointslice', 'web-abcde', '--type=merge', '-p', patch);
  await until(() => web.members()?.length === 2);
  const version = await kubectl.run(
    ...['get', 'endpointslice', 'web-abcde', '-o', 'jsonpath={.metadata.resourceVersion}'],
  );
  const [first] = web.lists.at(-1) ?? [];
  expect(first && sourceOf(first)).toBe(`endpointslice shop/web-abcde, resourceVersion ${version}`);
  await kubectl.run('delete', 'endpointslice', 'web-abcde');
  await until(() => web.members()?.length === 0);
  expect(follower.lastUnhealthy()).toBeUndefined();
});

test('a service that is not there is said to be missing, and yields no list', async () => {
  const web = follower.follow();
  await until(() => web.missing.length > 0);
  expect(web.missing).toEqual(['namespace shop has no EndpointSlice of a service web']);
  expect(web.lists).toEqual([]);
  put({ endpoints: [one] });
  await until(() => web.members()?.length === 1);
});

test('services of a namespace share one list and one watch, also one that comes later', async () => {
  for (const service of ['web', 'api', 'db']) put({ service, endpoints: [one] });
  const [web, api] = [follower.follow(), follower.follow({ service: 'api' })];
  await until(() => web.members() && api.members() && server.watches.count === 1);
  expect(server.asked).toEqual(['list shop', 'watch shop']);
  const db = follower.follow({ service: 'db' });
  await until(() => db.members());
  await until(() => server.watches.count === 1);
  expect(server.asked).toEqual(['list shop', 'watch shop', 'list shop', 'watch shop']);
  put({ service: 'other', endpoints: [one] });
  put({ endpoints: [one, two] });
  await until(() => web.members()?.length === 2);
  expect([web, api, db].map(({ lists }) => lists.length)).toEqual([2, 1, 1]);
});

test('each namespace has a watch of its own, or the whole cluster one', async () => {
  for (const namespace of ['shop', 'pay']) put({ namespace, endpoints: [one] });
  const [shop, pay] = [follower.follow(), follower.follow({ namespace: 'pay' })];
  await until(() => shop.members() && pay.members());
  await until(() => server.watches.count === 2);
  expect(server.asked.toSorted()).toEqual(['list pay', 'list shop', 'watch pay', 'watch shop']);
  server.asked.length = 0;
  await using cluster = startFollower({ server: server.url, scope: 'cluster' });
  const both = [cluster.follow(), cluster.follow({ namespace: 'pay' })];
  await until(() => both.every((each) => each.members()));
  await until(() => server.watches.count === 3);
  expect(server.asked).toEqual(['list all', 'watch all']);
});

test('a watch that nobody reads any more is ended', async () => {
  put({ endpoints: [one] });
  const web = follower.follow();
  await until(() => server.watches.count === 1);
  await follower.stop(web);
  const again = follower.follow();
  await until(() => again.members());
  expect(server.asked).toEqual(['list shop', 'watch shop']);
  await follower.stop(again);
  await until(() => server.watches.count === 0, 10_000);
});

test('a list is read page by page', async () => {
  for (let n = 0; n < 1100; n++)
    put({
      name: `web-${n}`,
      endpoints: [{ address: `10.2.${n >> 8}.${n & 255}`, pod: `web-${n}` }],
    });
  const web = follower.follow();
  await until(() => web.members()?.length === 1100);
  expect(server.asked.filter((each) => each === 'list shop')).toHaveLength(3);
});

describe('a watch', () => {
  test('that the server ends goes on where it was, without a list', async () => {
    put({ endpoints: [one] });
    const web = follower.follow();
    await until(() => server.watches.count === 1);
    server.watches.end();
    await until(() => server.watches.count === 0);
    put({ endpoints: [one, two] });
    await until(() => web.members()?.length === 2);
    expect(server.asked).toEqual(['list shop', 'watch shop', 'watch shop']);
    expect(web.troubles.filter((each) => each !== undefined)).toEqual([]);
  });

  test('that breaks off goes on where it was, and the loss of members is doubted', async () => {
    put({ endpoints: [one] });
    const web = follower.follow();
    await until(() => server.watches.count === 1);
    server.watches.cut();
    await until(() => server.watches.count === 0);
    put({ endpoints: [one, two] });
    await until(() => web.members()?.length === 2);
    expect(server.asked).toEqual(['list shop', 'watch shop', 'watch shop']);
    expect(follower.lastUnhealthy()).toBeDefined();
  });

  test('that falls silent is given up, and everything is listed anew', async () => {
    await using hasty = startFollower({ server: server.url, watch_timeout: 1_000 });
    put({ endpoints: [one] });
    const web = hasty.follow();
    await until(() => server.watches.count === 1);
    server.watches.silent = true;
    server.settings.isEndless = true;
    put({ endpoints: [one, two] });
    await until(() => web.members()?.length === 2, 10_000);
    expect(server.asked.filter((each) => each === 'list shop')).toHaveLength(2);
  });

  test('goes on from its last bookmark after a compaction', async () => {
    server.settings.bookmarkEvery = 100;
    put({ endpoints: [one] });
    const web = follower.follow();
    await until(() => server.watches.count === 1);
    server.objects.skip(1000);
    await new Promise((resolve) => setTimeout(resolve, 300));
    server.objects.compact();
    server.watches.end();
    await until(() => server.watches.count === 1);
    put({ endpoints: [one, two] });
    await until(() => web.members()?.length === 2);
    expect(server.asked).toEqual(['list shop', 'watch shop', 'watch shop']);
  });

  test.each(['status', 'event'] as const)(
    'whose version is compacted away (said by an %s) is begun with a new list, and members stay meanwhile',
    async (gone) => {
      server.settings.gone = gone;
      put({ endpoints: [one] });
      const web = follower.follow();
      await until(() => server.watches.count === 1);
      await server.stop();
      put({ endpoints: [two] });
      server.objects.compact();
      await server.start();
      await until(() => web.members()?.[0]?.startsWith('web-2'));
      expect(web.lists).toHaveLength(2);
      expect(follower.lastUnhealthy()).toBeDefined();
    },
  );
});
