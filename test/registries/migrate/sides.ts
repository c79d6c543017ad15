import { createMetrics, silentLog } from '@smartstack/daemon';
import { createFileRegistry, createZooKeeperRegistry } from '@smartstack/registry';

import { startConsul } from '../../support/consul.ts';
import { createScratch } from '../../support/scratch.ts';
import { startZooKeeper } from '../../support/zookeeper.ts';
import { openView } from '../consul/views.ts';
import type { Side } from './side.ts';

const deps = { log: silentLog, metrics: createMetrics() };
const path = '/services/web';

export async function zookeeperSide(): Promise<Side & { kill(): Promise<void> }> {
  const server = await startZooKeeper();
  const registry = createZooKeeperRegistry({ hosts: [server.hosts], ...deps });
  return {
    name: 'zookeeper',
    top: { zookeeper: { hosts: [server.hosts] } },
    discovery: { method: 'zookeeper', path },
    registry,
    path,
    kill: () => server.kill('SIGKILL'),
    [Symbol.asyncDispose]: async () => {
      await registry[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

export async function fileSide(): Promise<Side> {
  const scratch = await createScratch();
  const registry = createFileRegistry({ directory: scratch.directory, ...deps });
  return {
    name: 'file',
    top: { registry: { type: 'file', directory: scratch.directory } },
    discovery: { method: 'file', path },
    registry,
    path,
    [Symbol.asyncDispose]: async () => {
      await registry[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

export async function consulSide(): Promise<Side> {
  const scratch = await createScratch();
  const agent = await startConsul({ directory: scratch.path('agent'), name: 'agent' });
  const view = openView({ url: agent.url }, { owner: 'vm-1' });
  return {
    name: 'consul',
    top: { consul: { url: agent.url } },
    discovery: { method: 'consul', service: 'web' },
    registry: view.registry,
    path: 'web',
    [Symbol.asyncDispose]: async () => {
      await view[Symbol.asyncDispose]();
      await agent[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}
