import type { Mechanism } from '@smartstack/daemon';
import { z } from 'zod';

import type { Discovery, DiscoveryDeps } from './discovery.ts';
import { dnsKeys } from './dns/keys.ts';
import { createLookup } from './dns/lookup.ts';
import { withAddresses } from './dns/resolved.ts';
import { followPath, pollKeys, type ZooKeeperPath, zooKeeperKeys } from './zookeeper-path.ts';

const keys = { ...zooKeeperKeys, ...dnsKeys };
const schema = z
  .strictObject({ method: z.literal('zookeeper_dns'), ...keys })
  .meta({ description: 'as `zookeeper`, of members that are names, which are looked up' });
const pollSchema = z
  .strictObject({ method: z.literal('zookeeper_dns_poll'), ...keys, ...pollKeys })
  .meta({ description: 'the same, the path asked for now and then, without watches' });

/** Follows a ZooKeeper path whose members are names, and looks these up. */
export const zookeeperDns: Mechanism<Discovery, DiscoveryDeps, typeof schema> = {
  type: 'zookeeper_dns',
  schema,
  create: (config, deps) => followNames(config, undefined, deps),
};

/** The same for a path that is asked for now and then. */
export const zookeeperDnsPoll: Mechanism<Discovery, DiscoveryDeps, typeof pollSchema> = {
  type: 'zookeeper_dns_poll',
  schema: pollSchema,
  create: (config, deps) => followNames(config, config.polling_interval_sec, deps),
};

function followNames(
  config: ZooKeeperPath & {
    readonly nameserver?: string | undefined;
    readonly check_interval: number;
  },
  pollInterval: number | undefined,
  deps: DiscoveryDeps,
): Discovery {
  return withAddresses(followPath(config, pollInterval, deps), {
    lookup: createLookup(config.nameserver),
    interval: config.check_interval,
    log: deps.log,
    onTrouble: deps.onTrouble,
  });
}
