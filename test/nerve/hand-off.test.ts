import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { type Copy, startCopy } from '../support/copies.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { startRelay } from '../support/relay.ts';
import { createScratch, type Scratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { shareZooKeeper } from './shared-zookeeper.ts';

const shared = shareZooKeeper();
let scratch: Scratch;
let copies: readonly Copy[];
let paths = 0;
let path: string;
beforeEach(async () => {
  scratch = await createScratch();
  copies = await Promise.all(['a', 'b', 'c'].map(startCopy));
  path = `/hand-off/web-${paths++}`;
});
afterEach(async () => {
  await Promise.all(copies.map((copy) => copy[Symbol.asyncDispose]()));
  await scratch[Symbol.asyncDispose]();
});

/** All three copies under one path, which is where their nodes could be mistaken for each other's. */
const configOf = (which: readonly Copy[], more: Readonly<Record<string, object>> = {}) => ({
  instance_id: 'vm-1',
  status_address: false,
  state_directory: scratch.path('state'),
  zookeeper: { hosts: [shared.zookeeper.hosts], session_timeout: 6 },
  services: Object.fromEntries(
    which.map(({ name, port }) => [
      name,
      {
        host: '127.0.0.1',
        port,
        zk_path: path,
        check_interval: 0.05,
        checks: [{ type: 'tcp', timeout: 5 }],
        ...more[name],
      },
    ]),
  ),
});
const nerve = (config: object = configOf(copies)) =>
  startDaemon('nerve', config, scratch.directory);

/** What a watcher could notice: which nodes there are and were, and how often each was written. */
async function traces(): Promise<object> {
  const { names, stat } = await shared.session.list(path);
  const nodes = await Promise.all(names.map((name) => shared.session.exists(`${path}/${name}`)));
  return {
    changes: stat.childrenVersion,
    nodes: names.map((name, index) => `${name} ${nodes[index]?.version}`).sort(),
  };
}

const announced = (count: number) =>
  until(async () => {
    if (!(await shared.session.exists(path))) return false;
    return (await shared.session.list(path)).names.length === count;
  });
const ready = (daemon: Daemon, count: number) =>
  until(() => daemon.log.filter(({ msg }) => msg === 'announced').length === count);
/** The session's own end, were nobody to take it over. */
const sessionTimeout = () => new Promise((resolve) => setTimeout(resolve, 7000));

describe('a watcher sees no change at all when nerve', () => {
  test('leaves on SIGUSR2 and the next one starts', async () => {
    const first = await nerve();
    await announced(3);
    const before = await traces();
    first.kill('SIGUSR2');
    expect(await first.exited).toBe(0);
    await using second = await nerve();
    await ready(second, 3);
    await sessionTimeout();
    expect(await traces()).toEqual(before);
  });

  test('is killed −9 and started again within the session timeout', async () => {
    const first = await nerve();
    await announced(3);
    const before = await traces();
    // It notes its session twice a second.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    first.kill('SIGKILL');
    await first.exited;
    await using second = await nerve();
    await ready(second, 3);
    await sessionTimeout();
    expect(await traces()).toEqual(before);
  });

  test('reads a configuration in which another path changed', async () => {
    const more = { c: { zk_path: `${path}-other` } };
    await using daemon = await nerve(configOf(copies, more));
    await announced(2);
    const before = await traces();
    const next = { c: { zk_path: `${path}-other`, weight: 3 } };
    await writeFile(scratch.path('nerve.yaml'), JSON.stringify(configOf(copies, next)));
    daemon.kill('SIGHUP');
    await until(() => daemon.log.some(({ msg }) => msg === 'configuration read again'));
    await until(() => daemon.log.filter(({ msg }) => msg === 'withdrawn').length === 1);
    expect(await traces()).toEqual(before);
  });
});

test('what died between two nerves is gone once the second has looked', async () => {
  const first = await nerve();
  await announced(3);
  first.kill('SIGUSR2');
  await first.exited;
  await copies[0]?.[Symbol.asyncDispose]();
  await using second = await nerve();
  await ready(second, 2);
  await announced(2);
});

test('after SIGTERM nothing is left to take over', async () => {
  const first = await nerve();
  await announced(3);
  first.kill('SIGTERM');
  expect(await first.exited).toBe(0);
  await announced(0);
  await using second = await nerve();
  await ready(second, 3);
  await announced(3);
});

test('two nerves that share a state directory do not take each other over', async () => {
  await using first = await nerve(configOf(copies.slice(0, 1)));
  await ready(first, 1);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await using second = await nerve(configOf(copies.slice(1)));
  await ready(second, 2);
  await announced(3);
  const complaint = 'another nerve uses this state directory: nothing is kept';
  expect(second.log.some(({ msg }) => msg === complaint)).toBe(true);
  expect(first.log.some(({ msg }) => /lost|expired/.test(msg))).toBe(false);
});

test('a bad configuration on SIGHUP changes nothing, and its problems are logged', async () => {
  await using daemon = await nerve();
  await announced(3);
  const before = await traces();
  await writeFile(scratch.path('nerve.yaml'), 'instance_id: vm-1\nservices: {web: {}}\n');
  daemon.kill('SIGHUP');
  const complaint = await until(() =>
    daemon.log.find(({ msg }) => msg === 'the configuration is bad: the old one stays'),
  );
  expect(complaint.problems).toContainEqual(
    expect.stringMatching(/nerve\.yaml:2:12: services\.web\.host: missing/),
  );
  expect(await traces()).toEqual(before);
});

test.each(['SIGUSR2', 'SIGTERM'] as const)(
  'a nerve ends on %s though ZooKeeper does not answer what it asks of an earlier one’s records',
  async (signal) => {
    await using relay = await startRelay(shared.zookeeper.port);
    const behind = (which: readonly Copy[]) => ({
      ...configOf(which),
      zookeeper: { hosts: [relay.hosts], session_timeout: 60 },
    });
    const first = await nerve(behind(copies));
    await announced(3);
    first.kill('SIGUSR2');
    expect(await first.exited).toBe(0);
    relay.delayAnswers(() => 500);
    await using second = await nerve(behind(copies.slice(0, 1)));
    await ready(second, 1);
    relay.silence();
    second.kill(signal);
    // It gives withdrawals 7 s.
    expect(await Promise.race([second.exited, sleep(20_000, 'runs on')])).toBe(0);
  },
);
