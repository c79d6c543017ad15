import type { Mechanism } from '@smartstack/daemon';
import { z } from 'zod';

import type { Discovery, DiscoveryDeps } from './discovery.ts';
import { followPath, pollKeys, zooKeeperKeys } from './zookeeper-path.ts';

const schema = z
  .strictObject({ method: z.literal('zookeeper_poll'), ...zooKeeperKeys, ...pollKeys })
  .meta({ description: 'the same, the path read now and then, without watches' });

/** Asks for the children of a ZooKeeper path now and then, without watches. */
export const zookeeperPoll: Mechanism<Discovery, DiscoveryDeps, typeof schema> = {
  type: 'zookeeper_poll',
  schema,
  create: (config, deps) => followPath(config, config.polling_interval_sec, deps),
};
