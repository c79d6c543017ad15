import type { Mechanism } from '@smartstack/daemon';
import { z } from 'zod';

import type { Discovery, DiscoveryDeps } from './discovery.ts';
import { followPath, zooKeeperKeys } from './zookeeper-path.ts';

const schema = z
  .strictObject({ method: z.literal('zookeeper'), ...zooKeeperKeys })
  .meta({ description: 'the instances registered under a ZooKeeper path' });

/** Follows the children of a ZooKeeper path. */
export const zookeeper: Mechanism<Discovery, DiscoveryDeps, typeof schema> = {
  type: 'zookeeper',
  schema,
  create: (config, deps) => followPath(config, undefined, deps),
};
