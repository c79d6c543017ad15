import { startCluster } from '../../test/registries/etcd/cluster.ts';
import {
  createMachine,
  firstAnswer,
  type Machine,
  shares,
  startService,
} from '../../test/support/example.ts';
import { freePort } from '../../test/support/ports.ts';
import { until } from '../../test/support/until.ts';
import { say } from '../traffic/figures.ts';
import { createParts, type Use } from '../traffic/parts.ts';
import { playScript } from '../traffic/play.ts';

await playScript(async (interruption) => {
  await using parts = createParts();
  await Promise.race([run(parts.use), interruption]);
});

async function run(use: Use): Promise<void> {
  const cluster = use(await startCluster({ size: 3 }));
  const local = await freePort();
  const changes = {
    'http://etcd1.example:2379, http://etcd2.example:2379, http://etcd3.example:2379':
      cluster.endpoints.join(', '),
    '10.0.0.1': '127.0.0.1',
    3213: local,
  };
  const machines: Machine[] = [];
  const ports: number[] = [];
  const nerves = [];
  for (const number of [1, 2]) {
    const port = await freePort();
    ports.push(port);
    const machine = use(
      await createMachine('etcd', { ...changes, 'vm-1': `vm-${number}`, 8001: port }),
    );
    machines.push(machine);
    nerves.push(await machine.start('nerve.yaml'));
  }
  let web2 = use(await startService('web-2', ports[1] ?? 0));
  use(await startService('web-1', ports[0] ?? 0));
  await use(await createMachine('etcd', changes)).start('synapse.yaml');
  await firstAnswer(local);

  const answeredBy = async (...names: readonly string[]) =>
    until(
      async () =>
        Object.keys(await shares(local, 10))
          .toSorted()
          .join() === names.join(),
    );
  const count = async (what: string) => say(`200 requests${what}`, await shares(local, 200));

  await answeredBy('web-1', 'web-2');
  say('in etcd', { keys: (await cluster.keys('/services/')).length });
  await count('');

  await cluster.members[0]?.kill();
  await count(', one server of etcd killed');

  nerves[0]?.kill('SIGKILL');
  await nerves[0]?.exited;
  const again = await machines[0]?.start('nerve.yaml');
  await until(() => again?.log.some(({ msg }) => msg === 'announced'));
  await count(", vm-1's nerve killed and started again");

  await Promise.all(cluster.members.map((member) => member.kill()));
  await count(', all of etcd gone');

  web2.kill();
  await answeredBy('web-1');
  await count(', all of etcd gone and web-2 too');

  for (const member of cluster.members) member.start();
  web2 = use(await startService('web-2', ports[1] ?? 0));
  await answeredBy('web-1', 'web-2');
  await count(', all back');
}
