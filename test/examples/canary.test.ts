import { execa } from 'execa';
import { expect, test } from 'vitest';

import { commandOf } from '../support/daemon.ts';
import { createMachine, shares, startService } from '../support/example.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { startZooKeeper } from '../support/zookeeper.ts';

test('the canary has its share, and `nerve weight` changes it with no reload', async () => {
  await using zooKeeper = await startZooKeeper();
  const [stable, canary, all, alone] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const changes = {
    'zk1.example:2181, zk2.example:2181, zk3.example:2181': zooKeeper.hosts,
    '10.0.0.1': '127.0.0.1',
    '10.0.0.2': '127.0.0.1',
    3213: all,
    3214: alone,
  };
  await using one = await createMachine('canary', { ...changes, 8001: stable });
  await using two = await createMachine('canary', { ...changes, 8001: canary });
  await using _v1 = await startService('v1', stable);
  await using _v2 = await startService('v2', canary);
  await one.start('nerve.yaml');
  await two.start('nerve-canary.yaml');
  const synapse = await one.start('synapse.yaml');
  const weigh = (weight: string) =>
    execa(commandOf('nerve'), [
      '-c',
      two.scratch.path('nerve-canary.yaml'),
      'weight',
      'web',
      weight,
    ]);
  const canaries = async (requests: number) => (await shares(all, requests)).v2 ?? 0;

  // A round of 105 requests, and one more at an edge.
  await until(async () => [5, 6].includes(await canaries(105)));
  expect(await shares(alone, 3)).toEqual({ v2: 3 });
  const reloads = reloadsOf(synapse.log);
  await weigh('100');
  await until(async () => (await canaries(20)) === 10);
  await weigh('0');
  await until(async () => (await canaries(20)) === 0);
  await weigh('default');
  await until(async () => [5, 6].includes(await canaries(105)));
  expect(reloadsOf(synapse.log)).toBe(reloads);
});

const reloadsOf = (log: readonly { readonly msg: string }[]) =>
  log.filter(({ msg }) => /reload|start/.test(msg)).length;
