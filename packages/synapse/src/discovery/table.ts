import { z } from 'zod';

import { base } from './base.ts';
import type { Discovery, DiscoveryDeps } from './discovery.ts';
import { file } from './file.ts';
import { labelFilterKeys } from './policies/label-filters.ts';
import { zookeeper } from './zookeeper.ts';
import { zookeeperPoll } from './zookeeper-poll.ts';

/** Every way to find a service, by the `method` that selects it. */
export const discoverySchema = z.discriminatedUnion('method', [
  zookeeper.schema.extend(labelFilterKeys),
  zookeeperPoll.schema.extend(labelFilterKeys),
  file.schema.extend(labelFilterKeys),
  base.schema.extend(labelFilterKeys),
]);

export type DiscoveryConfig = z.output<typeof discoverySchema>;

/** The discovery that a configuration describes. */
export function createDiscovery(config: DiscoveryConfig, deps: DiscoveryDeps): Discovery {
  switch (config.method) {
    case 'zookeeper':
      return zookeeper.create(config, deps);
    case 'zookeeper_poll':
      return zookeeperPoll.create(config, deps);
    case 'file':
      return file.create(config, deps);
    case 'base':
      return base.create(config, deps);
  }
}
