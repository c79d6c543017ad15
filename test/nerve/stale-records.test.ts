import { rm } from 'node:fs/promises';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { type Copy, startCopy } from '../support/copies.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { createScratch, type Scratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { shareZooKeeper } from './shared-zookeeper.ts';

const shared = shareZooKeeper();
let scratch: Scratch;
let copy: Copy;
let paths = 0;
let path: string;
beforeEach(async () => {
  scratch = await createScratch();
  copy = await startCopy('web');
  path = `/stale/web-${paths++}`;
  await shared.session.makePath(path);
});
afterEach(async () => {
  await copy[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

const zookeeper = () => ({ hosts: [shared.zookeeper.hosts], session_timeout: 60 });

function nerve(keys: object = {}, top: object = {}): Promise<Daemon> {
  const web = {
    host: '127.0.0.1',
    port: copy.port,
    zk_path: path,
    check_interval: 0.05,
    checks: [{ type: 'http', uri: '/health', timeout: 5 }],
    ...keys,
  };
  const config = {
    instance_id: 'vm-1',
    status_address: false,
    zookeeper: zookeeper(),
    services: { web },
    ...top,
  };
  return startDaemon('nerve', config, scratch.directory);
}
const names = async () => [...(await shared.session.list(path)).names].sort();
const cleared = (daemon: Daemon) =>
  daemon.log.filter(({ msg }) => msg === 'cleared a record that an earlier nerve left');

/** A record as another session of this test's own leaves it. */
function leave(name: string, record: object, mode: 'persistent' | 'ephemeral' = 'ephemeral') {
  const all = { host: '127.0.0.1', port: copy.port, name: 'vm-1', ...record };
  return shared.session.create(`${path}/${name}`, Buffer.from(JSON.stringify(all)), mode);
}

test.each([
  ['while its service is up, with another record before', true, 1],
  ['while its service is down', false, 0],
])(
  'a record whose session lives goes with that session and is not cleared by others, %s',
  async (_, healthy, count) => {
    const first = await nerve({}, { zookeeper: { ...zookeeper(), session_timeout: 6 } });
    const [record = ''] = await until(async () => {
      const found = await names();
      return found.length === 1 && found;
    });
    first.kill('SIGKILL');
    await first.exited;
    await rm(scratch.path('state'), { recursive: true });
    copy.healthy(healthy);

    const ended = new AbortController();
    const lists: number[] = [];
    const watching = (async () => {
      for await (const children of shared.session.children(path, ended.signal))
        lists.push(children.length);
    })();
    await using second = await nerve();
    await until(async () => (await names()).length === count + 1);
    await until(async () => !(await names()).includes(record), 30_000);
    expect(await names()).toHaveLength(count);
    expect(cleared(second)).toEqual([]);
    ended.abort();
    await watching;
    if (healthy) expect(lists).not.toContain(0);
  },
);

test('of two nerves with one file, each with a state_directory of its own, neither touches the other’s record', async () => {
  await using first = await nerve();
  const [registered = ''] = await until(async () => {
    const found = await names();
    return found.length === 1 && found;
  });
  await using second = await nerve({}, { state_directory: scratch.path('other') });
  await until(() => second.log.some(({ msg }) => msg === 'announced'));
  await until(async () => (await names()).length === 2);
  copy.healthy(false);
  await until(async () => (await names()).length === 0);
  copy.healthy(true);
  await until(async () => (await names()).length === 2);
  for (const { log } of [first, second])
    expect(log.filter(({ msg }) => msg === 'cleared a record that an earlier nerve left')).toEqual(
      [],
    );
  expect((await shared.session.list(path)).stat.childrenVersion).toBe(6);
  expect(registered).not.toBe('');
});

test('a plain ephemeral node that another session keeps is announced once that session has ended', async () => {
  const plain = { node_type: 'ephemeral' };
  const timeout = { zookeeper: { ...zookeeper(), session_timeout: 6 } };
  const first = await nerve(plain, timeout);
  await until(async () => (await names()).length === 1);
  await using second = await nerve(plain, { ...timeout, state_directory: scratch.path('other') });
  await until(() =>
    second.log.some(({ reason }) => String(reason).includes('another session keeps it')),
  );
  const owner = async () => (await shared.session.exists(`${path}/vm-1_`))?.ephemeralOwner;
  const before = await owner();
  first.kill('SIGTERM');
  await first.exited;
  await until(() => second.log.some(({ msg }) => msg === 'announced'));
  expect(await owner()).not.toBe(before);
});

test("only this machine's own records of this host and port are cleared", async () => {
  const stale = ['vm-1_0000000009', 'vm-1_'];
  for (const name of stale) await leave(name, {}, 'persistent');
  const strangers = [
    await leave('vm-1_0000000007', {}),
    await leave('vm-2_0000000001', { name: 'vm-2' }),
    await leave('vm-1_0000000002', { port: copy.port + 1 }),
    await leave('vm-1_0000000003', { host: '127.0.0.2' }),
    await leave('vm-1_0000000004', { name: 'vm-2' }),
    await leave('vm-1_b_0000000005', {}),
    await leave('vm-10_0000000006', {}),
    await shared.session.create(`${path}/vm-1_0000000008`, Buffer.from('not JSON'), 'ephemeral'),
  ].map((each) => each.slice(path.length + 1));

  await using daemon = await nerve();
  await until(() => cleared(daemon).length === stale.length);
  const left = await names();
  expect(left).toEqual(expect.arrayContaining(strangers));
  expect(left).toHaveLength(strangers.length + 1);
  for (const name of left) await shared.session.remove(`${path}/${name}`).catch(() => {});
});

test('a persistent record that a killed nerve left does not stay beside the next', async () => {
  const keys = { node_type: 'persistent_sequential', use_path_encoding: true };
  const first = await nerve(keys);
  const [record = ''] = await until(async () => {
    const found = await names();
    return found.length === 1 && found;
  });
  first.kill('SIGKILL');
  await first.exited;
  await using second = await nerve(keys);
  await until(() => cleared(second).length === 1);
  const left = await names();
  expect(left).toHaveLength(1);
  expect(left).not.toContain(record);
});

test.each([
  ['ephemeral_sequential', 3],
  ['persistent_sequential', 3],
])('the copies of a load test are not taken for stale records (%s)', async (type, count) => {
  await leave('vm-1_0000009999', {}, 'persistent');
  await using daemon = await nerve({ load_test_concurrency: count, node_type: type });
  await until(() => cleared(daemon).length === 1);
  await until(async () => (await names()).length === count);
  expect(cleared(daemon)).toHaveLength(1);
});

test("what a nerve that lives announces is not the next one's to clear", async () => {
  await using first = await nerve();
  await until(async () => (await names()).length === 1);
  await until(() => first.log.some(({ msg }) => msg === 'announced'));
  const [registered = ''] = await names();
  // It notes its session twice a second.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const marker = await leave('vm-1_0000009999', {}, 'persistent');
  await using second = await nerve();
  await until(() => cleared(second).length > 0);
  expect(cleared(second)).toMatchObject([{ node: marker }]);
  expect(await names()).toContain(registered);
});

test('clearing waits for a ZooKeeper that does not answer', async () => {
  await leave('vm-1_0000009999', {}, 'persistent');
  copy.healthy(false);
  await shared.zookeeper.stop();
  await using daemon = await nerve();
  await until(() => daemon.log.some(({ msg }) => msg === 'service is down'));
  await shared.zookeeper.start();
  await until(() => cleared(daemon).length === 1, 30_000);
});
