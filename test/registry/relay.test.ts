import { createMetrics, silentLog } from '@smartstack/daemon';
import { createZooKeeperRegistry, type Registry } from '@smartstack/registry';
import { afterAll, beforeAll, describe } from 'vitest';

import { registryRelayContract } from '../support/registry-relay-contract.ts';
import { startRelay } from '../support/relay.ts';
import { startZooKeeper } from '../support/zookeeper.ts';

const deps = { log: silentLog, metrics: createMetrics() };

describe('zookeeper', () => {
  let server: Awaited<ReturnType<typeof startZooKeeper>>;
  let count = 0;
  beforeAll(async () => {
    server = await startZooKeeper();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  registryRelayContract(async () => {
    const chroot = `/relayed-${count++}`;
    const relay = await startRelay(Number(server.hosts.split(':')[1]));
    const opened: Registry[] = [];
    const openAt = (hosts: string, timeout?: number) => () => {
      const registry = createZooKeeperRegistry({
        hosts: [`${hosts}${chroot}`],
        ...(timeout !== undefined && { timeout }),
        ...deps,
      });
      opened.push(registry);
      return registry;
    };
    return {
      relay,
      open: openAt(relay.hosts),
      brief: { open: openAt(relay.hosts, 2_000), life: 2_000 },
      direct: openAt(server.hosts),
      close: async () => {
        await Promise.all(opened.map((registry) => registry[Symbol.asyncDispose]()));
        await relay[Symbol.asyncDispose]();
      },
    };
  });
});
