import { createMetrics, silentLog } from '@smartstack/daemon';
import { consulSchema, createRegistries, createZooKeeperRegistry } from '@smartstack/registry';

import { startConsul } from '../../support/consul.ts';
import { createScratch } from '../../support/scratch.ts';
import { startZooKeeper } from '../../support/zookeeper.ts';
import type { Side } from './side.ts';

const deps = { log: silentLog, metrics: createMetrics() };
const path = '/services/web';

export async function zookeeperSide(): Promise<Side> {
  const server = await startZooKeeper();
  const registry = createZooKeeperRegistry({ hosts: [server.hosts], ...deps });
  return {
    name: 'zookeeper',
    top: { zookeeper: { hosts: [server.hosts] } },
    discovery: { method: 'zookeeper', path },
    registry,
    path,
    [Symbol.asyncDispose]: async () => {
      await registry[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

export async function consulSide(): Promise<Side> {
  const scratch = await createScratch();
  const agent = await startConsul({ directory: scratch.path('agent'), name: 'one' });
  const registries = createRegistries(deps);
  return {
    name: 'consul',
    top: { consul: { url: agent.url } },
    discovery: { method: 'consul', service: 'web' },
    registry: registries.openConsul(consulSchema.parse({ url: agent.url })),
    path: 'web',
    [Symbol.asyncDispose]: async () => {
      await registries[Symbol.asyncDispose]();
      await agent[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}
