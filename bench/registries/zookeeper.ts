import { createMetrics, silentLog } from '@smartstack/daemon';
import { createZooKeeperRegistry } from '@smartstack/registry';

import { startZooKeeper } from '../../test/support/zookeeper.ts';
import {
  children,
  connectPlain,
  create,
  persistent,
  read,
  remove,
  sequential,
} from '../plain-zookeeper.ts';
import type { Contestant } from './contestant.ts';

/** ZooKeeper, the floor by the plain library. */
export async function zookeeper(): Promise<Contestant> {
  const server = await startZooKeeper();
  const [writer, reader] = await Promise.all([
    connectPlain(server.hosts),
    connectPlain(server.hosts),
  ]);
  for (const path of ['/floor', '/ours']) await create(writer, path, '', persistent);
  const deps = { log: silentLog, metrics: createMetrics() };
  const registry = createZooKeeperRegistry({ hosts: [server.hosts], ...deps });
  return {
    name: 'zookeeper',
    port: Number(server.hosts.split(':')[1]),
    config: (port) => ({
      top: { zookeeper: { hosts: [`127.0.0.1:${port}`] } },
      discovery: { method: 'zookeeper', path: '/ours' },
    }),
    announce: (instance, signal) => registry.announce('/ours', instance, signal),
    floor: async (record) => {
      let fired = () => {};
      const told = new Promise<void>((resolve) => {
        fired = resolve;
      });
      await children(reader, '/floor', fired);
      const created = create(writer, '/floor/m_', record, sequential);
      await told;
      const [name = ''] = await children(reader, '/floor');
      await read(reader, `/floor/${name}`);
      return async () => remove(writer, await created);
    },
    [Symbol.asyncDispose]: async () => {
      await registry[Symbol.asyncDispose]();
      writer.close();
      reader.close();
      await server[Symbol.asyncDispose]();
    },
  };
}
