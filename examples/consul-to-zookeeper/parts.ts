import { startConsul } from '../../test/support/consul.ts';
import {
  copyExample,
  createMachine,
  firstAnswer,
  startService,
} from '../../test/support/example.ts';
import { freePort } from '../../test/support/ports.ts';
import { createScratch } from '../../test/support/scratch.ts';
import { startZooKeeper } from '../../test/support/zookeeper.ts';
import type { Use } from '../traffic/parts.ts';
import { startSynapse } from './synapse.ts';

/** Starts Consul, ZooKeeper and what the steps need; `use` ends each part again. */
export async function startParts(use: Use) {
  const scratch = use(await createScratch());
  const agent = use(await startConsul({ directory: scratch.path('consul'), name: 'vm-1' }));
  const zooKeeper = use(await startZooKeeper());
  const local = await freePort();
  const newPorts = new Set<number>();
  const changes = {
    'http://127.0.0.1:8500': agent.url,
    'zk1.example:2181, zk2.example:2181, zk3.example:2181': zooKeeper.hosts,
    '10.0.0.1': '127.0.0.1',
    3213: local,
  };

  async function start(name: string): Promise<number> {
    const port = await freePort();
    use(await startService(name, port));
    return port;
  }

  return {
    local,
    newPorts,
    /** A copy that somebody registers in Consul. */
    async register(name: string): Promise<void> {
      const own = { 'old-1': name, 8001: await start(name) };
      const file = await copyExample('examples/consul-to-zookeeper/old-1.json', scratch, own);
      await agent.cli('services', 'register', file);
    },
    /** A copy on a machine with nerve, which announces it in ZooKeeper. */
    async announce(name: string): Promise<void> {
      const port = await start(name);
      newPorts.add(port);
      const own = { ...changes, 'new-1': name, 8001: port };
      const machine = use(await createMachine('consul-to-zookeeper', own));
      await machine.start('nerve.yaml');
    },
    async synapse(file: string) {
      const synapse = use(await startSynapse(file, changes));
      await firstAnswer(local);
      return synapse;
    },
    endConsul: () => agent.kill(),
  };
}
