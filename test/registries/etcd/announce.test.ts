import { type Registry, sourceOf, Unconfirmed } from '@smartstack/registry';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startRelay } from '../../support/relay.ts';
import { until } from '../../support/until.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { createViews, path, web } from './views.ts';

let cluster: Cluster;
let count = 0;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster[Symbol.asyncDispose]());

/** Announcements under a prefix of their own, which outlive their process by a second. */
async function createScene() {
  const prefix = `/run-${count++}`;
  const views = createViews();
  const options = { endpoints: cluster.endpoints, prefix, ttl: 1_000 };
  const key = (port: number) => `${prefix}${path}/vm-1-127.0.0.1:${port}`;
  return {
    prefix,
    options,
    key,
    signal: views.signal,
    follow: views.follow,
    open: (more: Partial<Parameters<typeof views.open>[0]> = {}) =>
      views.open({ ...options, ...more }),
    keys: () => cluster.keys(prefix),
    /** A key with its revisions and lease. */
    record: async (port: number) => {
      const { kvs = [] } = JSON.parse(await cluster.ctl('get', key(port), '-w', 'json'));
      return kvs[0] as
        | {
            readonly create_revision: number;
            readonly mod_revision: number;
            readonly lease: bigint;
          }
        | undefined;
    },
    announce: (registry: Registry, port: number, more = {}) =>
      registry.announce(path, web(port, more), views.signal),
    [Symbol.asyncDispose]: () => views[Symbol.asyncDispose](),
  };
}

test('a lease whose note cannot be written is kept alive all the same', async () => {
  await using scene = await createScene();
  const onLease = async () => {
    throw new Error('no room on the disk');
  };
  const registry = scene.open({ onLease });
  await expect(scene.announce(registry, 1)).rejects.toThrow('no room on the disk');
  await scene.announce(registry, 1);
  // Several times as long as it would have lived by itself.
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  expect(await scene.keys()).toEqual([scene.key(1)]);
});

test('etcdctl lists exactly what is announced', async () => {
  await using scene = await createScene();
  const registry = scene.open();
  const first = await scene.announce(registry, 1, { weight: 3, labels: { zone: 'a' } });
  await scene.announce(registry, 2);
  expect(await scene.keys()).toEqual([scene.key(1), scene.key(2)]);
  expect(JSON.parse(await cluster.ctl('get', scene.key(1), '--print-value-only'))).toEqual(
    web(1, { weight: 3, labels: { zone: 'a' } }),
  );
  await first[Symbol.asyncDispose]();
  expect(await scene.keys()).toEqual([scene.key(2)]);
  await registry[Symbol.asyncDispose]();
  expect(await scene.keys()).toEqual([]);
});

test('a member says which key it comes from, at which revisions, and stands in line by them', async () => {
  await using scene = await createScene();
  const registry = scene.open();
  await scene.announce(registry, 1);
  const second = await scene.announce(registry, 2);
  await second.update(web(2, { weight: 2 }), scene.signal);
  const seen = scene.follow(scene.open());
  await seen.has(1, 2);
  const member = seen.lists.at(-1)?.find(({ port }) => port === 2);
  const { create_revision: created, mod_revision: modified } = (await scene.record(2)) ?? {};
  expect(member?.id).toBe(`vm-1-127.0.0.1:2@${created}`);
  expect(member && sourceOf(member)).toBe(
    `${scene.key(2)} created at revision ${created}, modified at ${modified}`,
  );
});

test('what others write is read, and what is no record is left out alone', async () => {
  await using scene = await createScene();
  const seen = scene.follow(scene.open());
  await seen.has();
  await cluster.ctl('put', `${scene.prefix}${path}/other`, '10.0.0.9:99');
  await cluster.ctl('put', `${scene.prefix}${path}/junk`, '{"host": "h", "po');
  await cluster.ctl('put', `${scene.prefix}${path}/below/deep`, '10.0.0.9:98');
  await scene.announce(scene.open(), 1);
  await seen.has(1, 99);
});

test('a lease that etcd has ended is replaced at once, with all that was under it', async () => {
  await using scene = await createScene();
  const registry = scene.open();
  for (const port of [1, 2, 3]) await scene.announce(registry, port);
  const seen = scene.follow(scene.open());
  await seen.has(1, 2, 3);
  const lease = BigInt(registry.ticket()?.sessionId ?? 0);
  await cluster.ctl('lease', 'revoke', lease.toString(16));
  await seen.has();
  await seen.has(1, 2, 3);
  expect(BigInt(registry.ticket()?.sessionId ?? 0)).not.toBe(lease);
});

test('a key that somebody deletes is there again, and one that another process has taken is left to it', async () => {
  await using scene = await createScene();
  const registry = scene.open();
  const first = await scene.announce(registry, 1);
  const second = await scene.announce(registry, 2);
  const other = scene.open();
  await scene.announce(other, 2);
  const taken = await scene.record(2);
  await cluster.ctl('del', scene.key(1));
  await until(() => scene.record(1));
  expect(await scene.record(2)).toEqual(taken);
  await second[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  expect(await scene.keys()).toEqual([scene.key(2)]);
});

test('an announcement that was not answered is told as such, and what came of it can be withdrawn', async () => {
  await using scene = await createScene();
  await using relay = await startRelay(cluster.members[0]?.port ?? 0);
  const registry = scene.open({ endpoints: [`http://${relay.hosts}`], timeout: 400, ttl: 30_000 });
  await scene.announce(registry, 1);
  relay.swallowAnswers();
  const failure = await scene.announce(registry, 2).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Unconfirmed);
  expect(await scene.keys()).toEqual([scene.key(1), scene.key(2)]);
  relay.resume();
  await (failure as Unconfirmed)[Symbol.asyncDispose]();
  expect(await scene.keys()).toEqual([scene.key(1)]);
});

test('an announcement that is given up before it was answered can be withdrawn, or made again', async () => {
  await using scene = await createScene();
  await using relay = await startRelay(cluster.members[0]?.port ?? 0);
  const registry = scene.open({ endpoints: [`http://${relay.hosts}`], ttl: 30_000 });
  await scene.announce(registry, 1);
  relay.swallowAnswers();
  const given = new AbortController();
  const failure = registry.announce(path, web(2), given.signal).catch((error: unknown) => error);
  await until(async () => (await scene.keys()).length === 2);
  given.abort();
  const unconfirmed = (await failure) as Unconfirmed;
  expect(unconfirmed).toBeInstanceOf(Unconfirmed);
  relay.cut();
  const again = await scene.announce(registry, 2);
  await unconfirmed[Symbol.asyncDispose]();
  expect(await scene.keys()).toEqual([scene.key(1), scene.key(2)]);
  await again[Symbol.asyncDispose]();
  expect(await scene.keys()).toEqual([scene.key(1)]);
});

test('the next process takes the lease over, and nobody sees a change', async () => {
  await using scene = await createScene();
  const registry = scene.open();
  for (const port of [1, 2, 3]) await scene.announce(registry, port);
  const seen = scene.follow(scene.open());
  await seen.has(1, 2, 3);
  const before = await scene.record(1);
  const ticket = await registry.handOff();
  if (!ticket) throw new Error('no ticket');

  const next = scene.open({ resume: ticket });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(next.hasUnclaimed(path)).toBe(true);
  await scene.announce(next, 1);
  await scene.announce(next, 2, { weight: 2 });
  expect(await scene.record(1)).toEqual(before);
  await next.dropUnclaimed(() => false, scene.signal);
  expect(await scene.keys()).toHaveLength(3);
  await next.dropUnclaimed((at, instance) => at === path && instance?.port === 3, scene.signal);
  expect(await scene.keys()).toEqual([scene.key(1), scene.key(2)]);
  expect(next.hasUnclaimed(path)).toBe(false);
  await seen.has(1, 2);
  expect(seen.lists.map((list) => list.length)).toEqual([3, 3, 2]);
});

test('a process that does not come back has left nothing after the time to live', async () => {
  await using scene = await createScene();
  const registry = scene.open();
  await scene.announce(registry, 1);
  const ticket = await registry.handOff();
  await until(async () => (await scene.keys()).length === 0);
  // The next one, which is too late, announces on a lease of its own.
  const next = scene.open({ resume: ticket });
  await scene.announce(next, 1);
  expect(next.ticket()?.sessionId).not.toBe(ticket?.sessionId);
  expect(await scene.keys()).toEqual([scene.key(1)]);
});
