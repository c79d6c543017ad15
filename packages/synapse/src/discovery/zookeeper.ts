import type { Mechanism } from '@smartstack/daemon';
import { zooKeeperHosts } from '@smartstack/registry';
import { z } from 'zod';

import type { Discovery, DiscoveryDeps } from './discovery.ts';

const schema = z.strictObject({
  method: z.literal('zookeeper'),
  /** The ensemble; the daemon's own when absent. */
  hosts: zooKeeperHosts.optional(),
  path: z
    .string()
    .regex(/^\/.*[^/]$/, { error: 'expected an absolute path such as /services/web' }),
});

/** Follows the children of a ZooKeeper path. */
export const zookeeper: Mechanism<Discovery, DiscoveryDeps, typeof schema> = {
  type: 'zookeeper',
  schema,
  create: ({ hosts, path }, { registries, zookeeper: own, service }) => {
    const address = hosts ? ({ type: 'zookeeper', hosts } as const) : own;
    if (!address) throw new Error(`cannot follow ${service}: no ZooKeeper hosts`);
    const registry = registries.open(address);
    return (signal) => registry.watch(path, signal);
  },
};
