import { afterAll, beforeAll, test } from 'vitest';

import type { Daemon } from '../support/daemon.ts';
import {
  createMachine,
  firstAnswer,
  type Machine,
  shares,
  startService,
} from '../support/example.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper.ts';

let zooKeeper: ZooKeeper;
beforeAll(async () => {
  zooKeeper = await startZooKeeper();
});
afterAll(() => zooKeeper[Symbol.asyncDispose]());

/** Copies in zone a and one in zone b, each on a machine of its own, under a path of this test's. */
async function zones(path: string) {
  const changes = {
    'zk1.example:2181, zk2.example:2181, zk3.example:2181': zooKeeper.hosts,
    '10.0.0.1': '127.0.0.1',
    '/services/web': path,
  };
  const local = await freePort();
  const machines: Machine[] = [];
  const nerves: Daemon[] = [];
  const copies = new Map<string, Awaited<ReturnType<typeof startService>>>();
  const machine = async (own: Readonly<Record<string, string | number>>) => {
    const made = await createMachine('two-zones', { ...changes, ...own });
    machines.push(made);
    return made;
  };
  for (const name of ['a1', 'a2', 'b1']) {
    const port = await freePort();
    copies.set(name, await startService(name, port));
    const own = { 'vm-a1': `vm-${name}`, 'zone: a': `zone: ${name[0]}`, 8001: port };
    nerves.push(await (await machine(own)).start('nerve.yaml'));
  }
  // A consumer that starts now hears of all of them at once.
  await until(() => nerves.every(({ log }) => log.some(({ msg }) => msg === 'announced')));
  return {
    local,
    kill: (name: string) => copies.get(name)?.kill(),
    consumer: () => machine({ 3213: local }),
    answered: async (...names: readonly string[]) =>
      Object.keys(await shares(local, 12))
        .sort()
        .join() === names.join(),
    async [Symbol.asyncDispose]() {
      await Promise.all(machines.map((each) => each[Symbol.asyncDispose]()));
      await Promise.all([...copies.values()].map((copy) => copy[Symbol.asyncDispose]()));
    },
  };
}

test('zone a serves its own requests, and zone b helps while a has fewer than two members', async () => {
  await using scene = await zones('/services/by-members');
  await (await scene.consumer()).start('synapse.yaml');
  await firstAnswer(scene.local);
  await until(() => scene.answered('a1', 'a2'), 30_000);
  scene.kill('a1');
  await until(() => scene.answered('a2', 'b1'));
});

test("with `down` HAProxy's checks decide, and ZooKeeper need not be there", async () => {
  await using scene = await zones('/services/by-checks');
  const consumer = await scene.consumer();
  await consumer.start('synapse-by-checks.yaml');
  await firstAnswer(scene.local);
  await until(() => scene.answered('a1', 'a2'), 30_000);
  await zooKeeper.stop();
  scene.kill('a1');
  scene.kill('a2');
  await until(() => scene.answered('b1'));
  await zooKeeper.start();
});
