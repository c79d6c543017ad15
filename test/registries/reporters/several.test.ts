import { setTimeout as sleep } from 'node:timers/promises';

import { connect, type Session } from '@smartstack/zookeeper';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import type { RealServer } from '../../servers/server.ts';
import { freeze } from '../../support/freeze.ts';
import { until } from '../../support/until.ts';
import { startZooKeeper, type ZooKeeper } from '../../support/zookeeper.ts';
import {
  createMachine,
  type Machine,
  type RegistryName,
  startEtcd,
  watchNumbers,
} from './machine.ts';

let zookeeper: ZooKeeper;
let etcd: RealServer;
let session: Session;
beforeAll(async () => {
  [zookeeper, etcd] = await Promise.all([startZooKeeper(), startEtcd()]);
  session = connect({ hosts: [zookeeper.hosts] });
});
afterAll(async () => {
  await session.close();
  await etcd[Symbol.asyncDispose]();
  await zookeeper[Symbol.asyncDispose]();
});

let machine: Machine;
beforeEach(async () => {
  machine = await createMachine(
    { zookeeper: zookeeper.port, etcd: etcd.port },
    { zookeeper: recordsAt },
  );
});
afterEach(async () => {
  await zookeeper.start();
  await machine[Symbol.asyncDispose]();
});

async function recordsAt(path: string): Promise<readonly Buffer[]> {
  if (!(await session.exists(path))) return [];
  const { names } = await session.list(path);
  const found = await Promise.all(names.map((name) => session.get(`${path}/${name}`)));
  return found.map(({ data }) => data);
}

const all = ['zookeeper', 'etcd', 'etcd-v2', 'file'] as const;
const others = ['etcd', 'etcd-v2', 'file'] as const;

const has = (weights: readonly unknown[], registries: readonly RegistryName[]) =>
  until(async () => {
    for (const each of registries)
      expect([each, await machine.weights(each)]).toEqual([each, weights]);
    return true;
  }, 15_000);

test('one that is down at the start is announced in once it is there, and the others at once', async () => {
  await zookeeper.stop();
  await machine.start();
  await has([1], others);
  await until(async () => (await machine.ready()) === 200);
  expect((await machine.nerve('status')).all).toMatch(
    new RegExp(
      [
        `web .* up +zookeeper: not known .*the registry has not answered yet`,
        ` +etcd: ${machine.path} \\(weight 1\\)`,
        ` +etcd-v2: ${machine.path} \\(weight 1\\)`,
        ` +file: ${machine.path} \\(weight 1\\)$`,
      ].join('\n'),
    ),
  );
  await zookeeper.start();
  await has([1], all);
});

test('one that hangs holds up no change, no withdrawal and no answer about the others', async () => {
  await machine.start();
  await has([1], all);
  await freeze(zookeeper.pid);
  try {
    const weight = machine.nerve('weight', 'web', '7');
    await has([7], others);
    expect((await weight).all).toMatch(
      /^web has weight 7 in etcd, etcd-v2 and file; .*zookeeper.*; nerve tries again, and nerve status shows the result$/,
    );
    const down = machine.nerve('down', 'web', '--wait', '--timeout', '2s');
    await has([], others);
    const { all, exitCode } = await down;
    expect(all).toMatch(/^web in zookeeper: still announced after 2 s/);
    expect(all).toMatch(/Confirmed: zookeeper 0 of 1, etcd 1 of 1, etcd-v2 1 of 1, file 1 of 1$/);
    expect(exitCode).toBe(1);
  } finally {
    process.kill(zookeeper.pid, 'SIGCONT');
  }
  await has([], all);
  await machine.nerve('up', 'web', '--wait');
  await has([7], all);
});

test('one that dies holds up no change, and has the newest once it is back', async () => {
  await machine.start();
  await has([1], all);
  await zookeeper.kill('SIGKILL');
  await machine.nerve('weight', 'web', '8');
  await has([8], others);
  machine.copy.healthy(false);
  await has([], others);
  machine.copy.healthy(true);
  await has([8], others);
  await zookeeper.start();
  await has([8], all);
});

test('another kind that hangs is no different', async () => {
  await machine.start();
  await has([1], all);
  etcd.kill('SIGSTOP');
  try {
    machine.copy.healthy(false);
    await has([], ['zookeeper', 'file']);
    machine.copy.healthy(true);
    await has([1], ['zookeeper', 'file']);
  } finally {
    etcd.kill('SIGCONT');
  }
  await has([1], all);
});

test('the end withdraws from the others at once, and names the one that has not confirmed', async () => {
  const daemon = await machine.start();
  await has([1], all);
  await freeze(zookeeper.pid);
  try {
    const begin = performance.now();
    daemon.kill('SIGTERM');
    await has([], others);
    expect(performance.now() - begin).toBeLessThan(3_000);
    await daemon.exited;
    const late = daemon.log.find(({ msg }) => msg === 'not everything was withdrawn in time');
    expect(late).toMatchObject({ services: ['web (zookeeper)'] });
  } finally {
    process.kill(zookeeper.pid, 'SIGCONT');
  }
});

test.each<[string, NodeJS.Signals]>([
  ['hands over', 'SIGUSR2'],
  ['is killed', 'SIGKILL'],
])('a nerve that %s does not flap in any', async (_, signal) => {
  const first = await machine.start();
  await has([1], all);
  const { path, scratch } = machine;
  const directory = scratch.path('registry');
  await using inZooKeeper = await watchNumbers(
    (registries) => registries.open({ type: 'zookeeper', hosts: [zookeeper.hosts] }),
    path,
  );
  await using inFolder = await watchNumbers(
    (registries) => registries.open({ type: 'file', directory }),
    path,
  );
  const inEtcd = new Set<number>();
  const inEtcdV2 = new Set<number>();
  const done = new AbortController();
  const asking = (async () => {
    while (!done.signal.aborted) {
      inEtcd.add((await machine.weights('etcd')).length);
      inEtcdV2.add((await machine.weights('etcd-v2')).length);
      await sleep(20);
    }
  })();
  first.kill(signal);
  await first.exited;
  await machine.start();
  await until(async () => (await machine.ready()) === 200);
  await until(async () => (await machine.nerve('status')).all.includes(`file: ${path} (weight 1)`));
  await sleep(1_000);
  done.abort();
  await asking;
  await has([1], all);
  expect(new Set(inZooKeeper.numbers)).toEqual(new Set([1]));
  expect(new Set(inFolder.numbers)).toEqual(new Set([1]));
  expect(inEtcd).toEqual(new Set([1]));
  expect(inEtcdV2).toEqual(new Set([1]));
});
