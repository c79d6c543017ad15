import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { until } from '../../support/until.ts';
import { watchNumbers } from './machine.ts';
import { all, shareRegistries, signal } from './shared.ts';

const shared = shareRegistries();
const { has } = shared;

test.each<[string, NodeJS.Signals]>([
  ['hands over', 'SIGUSR2'],
  ['is killed', 'SIGKILL'],
])('a nerve that %s does not flap in any', async (_, signal) => {
  const { zookeeper, machine } = shared;
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
  const asked = ['etcd', 'consul'] as const;
  const seen = new Map(asked.map((name) => [name, new Set<number>()] as const));
  const done = new AbortController();
  const asking = (async () => {
    while (!done.signal.aborted) {
      for (const [name, numbers] of seen) numbers.add((await machine.weights(name)).length);
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
  for (const numbers of seen.values()) expect(numbers).toEqual(new Set([1]));
});

test.each(['zookeeper', 'etcd', 'consul'] as const)(
  'a nerve hands over the others though %s hangs',
  async (hung) => {
    const { machine } = shared;
    const first = await machine.start();
    await has([1], all);
    const { path, scratch } = machine;
    const directory = scratch.path('registry');
    await using inFolder = await watchNumbers(
      (registries) => registries.open({ type: 'file', directory }),
      path,
    );
    signal(shared, hung, 'SIGSTOP');
    try {
      const begin = performance.now();
      first.kill('SIGUSR2');
      await first.exited;
      expect(performance.now() - begin).toBeLessThan(3_000);
      await machine.start();
      await until(async () => (await machine.ready()) === 200);
    } finally {
      signal(shared, hung, 'SIGCONT');
    }
    await has([1], all);
    expect(new Set(inFolder.numbers)).toEqual(new Set([1]));
  },
);
