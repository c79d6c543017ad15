import { createMetrics, silentLog } from '@smartstack/daemon';
import { createEtcdRegistry, type Registry } from '@smartstack/registry';
import { afterAll, beforeAll, describe } from 'vitest';

import { registryContract } from '../../support/registry-contract.ts';
import { registryRelayContract } from '../../support/registry-relay-contract.ts';
import { startRelay } from '../../support/relay.ts';
import { type Cluster, startCluster } from './cluster.ts';

const deps = { log: silentLog, metrics: createMetrics() };
let cluster: Cluster;
let count = 0;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster[Symbol.asyncDispose]());

describe('etcd', () => {
  registryContract(async () => {
    const prefix = `/run-${count++}`;
    const opened: Registry[] = [];
    return {
      open: () => {
        const { endpoints } = cluster;
        const registry = createEtcdRegistry({ endpoints, prefix, ...deps });
        opened.push(registry);
        return registry;
      },
      close: async () => {
        await Promise.all(opened.map((registry) => registry[Symbol.asyncDispose]()));
      },
    };
  });
});

describe('etcd behind a network that fails', () => {
  registryRelayContract(async () => {
    const prefix = `/relayed-${count++}`;
    const relay = await startRelay(cluster.members[0]?.port ?? 0);
    const opened: Registry[] = [];
    const openAt = (endpoints: readonly string[], ttl?: number) => () => {
      const registry = createEtcdRegistry({ endpoints, prefix, ttl, ...deps });
      opened.push(registry);
      return registry;
    };
    return {
      relay,
      open: openAt([`http://${relay.hosts}`]),
      brief: { open: openAt([`http://${relay.hosts}`], 2_000), life: 2_000 },
      direct: openAt(cluster.endpoints),
      close: async () => {
        await Promise.all(opened.map((registry) => registry[Symbol.asyncDispose]()));
        await relay[Symbol.asyncDispose]();
      },
    };
  });
});
