import { afterAll, beforeAll, expect, test } from 'vitest';

import { startRelay } from '../../support/relay.ts';
import { until } from '../../support/until.ts';
import { type Cluster, type Member, startCluster } from './cluster.ts';
import { createViews, path, portsOf, type Seen, web } from './views.ts';

let cluster: Cluster;
let count = 0;
beforeAll(async () => {
  cluster = await startCluster({ size: 3 });
});
afterAll(() => cluster[Symbol.asyncDispose]());

/** A follower and an announcer of three members, each with all endpoints, or with those given. */
async function createScene(endpoints: readonly string[] = cluster.endpoints) {
  const prefix = `/run-${count++}`;
  const views = createViews();
  const options = { prefix, ttl: 5_000, timeout: 1_000 };
  const announcer = views.open({ ...options, endpoints: cluster.endpoints });
  const announce = (port: number) => announcer.announce(path, web(port), views.signal);
  for (const port of [1, 2, 3]) await announce(port);
  const follower = views.open({ ...options, endpoints });
  const seen = views.follow(follower);
  await seen.has(1, 2, 3);
  return {
    prefix,
    views,
    seen,
    follower,
    announce,
    keys: () => cluster.keys(prefix),
    [Symbol.asyncDispose]: () => views[Symbol.asyncDispose](),
  };
}

/** Nothing was ever served that no writer had made so. */
function expectNever(seen: Seen, isWrong: (ports: string) => boolean): void {
  expect(seen.lists.map(portsOf).filter(isWrong)).toEqual([]);
}
const isPart = (ports: string) => !ports.startsWith('1 2 3');

const healthy = () => cluster.ctl('endpoint', 'health');
const reads = async () => {
  const all = await Promise.all(
    cluster.members.map((member) => member.metric('grpc_server_started_total{grpc_method="Range"')),
  );
  return all.reduce((sum, each) => sum + each, 0);
};

test('a change is one event: nothing is read for it', async () => {
  await using scene = await createScene();
  const before = await reads();
  for (let port = 10; port < 30; port += 1) {
    const announcement = await scene.announce(port);
    await scene.seen.has(1, 2, 3, port);
    await announcement[Symbol.asyncDispose]();
    await scene.seen.has(1, 2, 3);
  }
  expect(await reads()).toBe(before);
});

test('each server in turn is killed, and nobody misses anything', async () => {
  await using scene = await createScene();
  for (const [index, member] of cluster.members.entries()) {
    await member.kill();
    const announcement = await until(() => scene.announce(10 + index));
    await scene.seen.has(1, 2, 3, 10 + index);
    member.start();
    await until(healthy);
    await announcement[Symbol.asyncDispose]();
    await scene.seen.has(1, 2, 3);
  }
  expectNever(scene.seen, isPart);
  expect(await scene.keys()).toHaveLength(3);
});

test('the server that is asked hangs: another one is asked, from the last revision on', async () => {
  const relays = await Promise.all(cluster.members.map(({ port }) => startRelay(port)));
  await using scene = await createScene(relays.map(({ hosts }) => `http://${hosts}`));
  const used = relays.findIndex(({ connections }) => connections > 0);
  const hanging = cluster.members[used] as Member;
  const before = await reads();
  hanging.signal('SIGSTOP');
  try {
    await until(() => scene.announce(10));
    await scene.seen.has(1, 2, 3, 10);
  } finally {
    hanging.signal('SIGCONT');
  }
  await until(healthy);
  // One read of one key asks where the cluster stands.
  expect((await reads()) - before).toBeLessThanOrEqual(4);
  expectNever(scene.seen, isPart);
  for (const relay of relays) await relay[Symbol.asyncDispose]();
});

test('a server without a leader does not look healthy, and what it knew stands', async () => {
  const [one, ...others] = cluster.members as [Member, Member, Member];
  await using scene = await createScene([one.endpoint]);
  for (const other of others) other.signal('SIGSTOP');
  try {
    await until(() => scene.seen.troubles.length > 0);
    expect(scene.follower.lastUnhealthy()).toBeGreaterThan(performance.now() - 1_000);
  } finally {
    for (const other of others) other.signal('SIGCONT');
  }
  await until(healthy);
  await until(() => scene.announce(10));
  await scene.seen.has(1, 2, 3, 10);
  expectNever(scene.seen, isPart);
});

test('a leader that moves changes nothing', async () => {
  await using scene = await createScene();
  const leader = await cluster.leader();
  const status = JSON.parse(await cluster.ctl('endpoint', 'status', '-w', 'json'));
  const ids = status.map((each: { Status: { header: { member_id: bigint } } }) => each);
  expect(ids).toHaveLength(3);
  const text = await leader.ctl('member', 'list', '-w', 'simple');
  const lines = text
    .trim()
    .split('\n')
    .filter((line) => !line.includes(`, ${leader.name}, `));
  await leader.ctl('move-leader', lines[0]?.split(',')[0] ?? '');
  await until(() => scene.announce(10));
  await scene.seen.has(1, 2, 3, 10);
  expectNever(scene.seen, isPart);
});

test('what was compacted away meanwhile is read again, and there is no empty list in between', async () => {
  const relay = await startRelay(cluster.members[0]?.port ?? 0);
  await using scene = await createScene([`http://${relay.hosts}`]);
  relay.silence();
  const announcement = await scene.announce(10);
  await scene.announce(11);
  await announcement[Symbol.asyncDispose]();
  const { header } = JSON.parse(await cluster.ctl('get', '/none', '-w', 'json'));
  await cluster.ctl('compact', String(header.revision));
  relay.resume();
  relay.cut();
  await scene.seen.has(1, 2, 3, 11);
  expectNever(scene.seen, (ports) => isPart(ports) || ports.includes('10'));
  await relay[Symbol.asyncDispose]();
});

test('a backup that is put back is read again, and what it does not know is announced again', async () => {
  await using scene = await createScene();
  const snapshot = `${cluster.directory}/backup`;
  await (cluster.members[0] as Member).ctl('snapshot', 'save', snapshot);
  const late = [];
  for (const port of [10, 11, 12]) late.push(await scene.announce(port));
  await scene.seen.has(1, 2, 3, 10, 11, 12);
  await late[0]?.[Symbol.asyncDispose]();
  await scene.seen.has(1, 2, 3, 11, 12);
  await cluster.restore(snapshot);
  const wanted = [1, 2, 3, 11, 12].map((port) => `${scene.prefix}${path}/vm-1-127.0.0.1:${port}`);
  await until(async () => (await scene.keys()).toSorted().join() === wanted.toSorted().join());
  await scene.seen.has(1, 2, 3, 11, 12);
  await scene.announce(13);
  await scene.seen.has(1, 2, 3, 11, 12, 13);
  expectNever(scene.seen, isPart);
});
