import { duration } from '@smartstack/daemon';
import {
  type FollowOptions,
  type Instance,
  type RegistryAddress,
  serversetDecoder,
  zooKeeperHosts,
} from '@smartstack/registry';
import { z } from 'zod';

import type { Discovery, DiscoveryDeps } from './discovery.ts';
import { withPace } from './policies/pace.ts';

export const absolutePath = z
  .string()
  .regex(/^\/.*[^/]$/, { error: 'expected an absolute path such as /services/web' });

/** The keys of every discovery that follows a ZooKeeper path; the originals' names. */
export const zooKeeperKeys = {
  /** The ensemble; the daemon's own when absent. */
  hosts: zooKeeperHosts.optional(),
  path: absolutePath,
  decode: z
    .discriminatedUnion('method', [
      z.strictObject({ method: z.literal('nerve') }),
      z.strictObject({
        method: z.literal('serverset'),
        endpoint_name: z.string().min(1).optional(),
      }),
    ])
    .optional(),
  /** Whose data configures the proxy's service section: another node, or `disabled`; the path's own when absent. */
  generator_config_path: z.union([z.literal('disabled'), absolutePath]).optional(),
  /** The least time from one list to the next. */
  discovery_jitter: duration
    .refine((milliseconds) => milliseconds <= 120_000, {
      error: 'must not be more than 120 seconds',
    })
    .optional(),
  /** Taken from the originals' files, without effect: nothing here is ever given up. */
  retry_policy: z
    .strictObject({
      max_attempts: z.number().optional(),
      max_delay: duration.optional(),
      base_interval: duration.optional(),
      max_interval: duration.optional(),
    })
    .optional(),
};

export const zooKeeperPathSchema = z.strictObject(zooKeeperKeys);

export type ZooKeeperPath = z.output<typeof zooKeeperPathSchema>;

/** Whether a discovery follows a ZooKeeper path. */
export function isZooKeeper<D extends { readonly method: string }>(
  discovery: D,
): discovery is Extract<D, ZooKeeperPath> {
  return discovery.method.startsWith('zookeeper');
}

/** Follows the children of a ZooKeeper path, by watches, or by asking each `pollInterval` milliseconds. */
export function followPath(
  { hosts, path, decode, discovery_jitter: pace }: ZooKeeperPath,
  pollInterval: number | undefined,
  { registries, zookeeper, service }: DiscoveryDeps,
): Discovery {
  const registry = registries.openZooKeeper(hostsOf(hosts, zookeeper, service));
  const options: FollowOptions = {
    pollInterval,
    ...(decode?.method === 'serverset' && { decode: serversetDecoder(decode.endpoint_name) }),
  };
  const discovery = (signal: AbortSignal): AsyncIterable<readonly Instance[]> =>
    registry.follow(path, options, signal);
  return withPace(discovery, pace);
}

/** The ensemble that a configuration means; throws where it means none. */
export function hostsOf(
  own: readonly string[] | undefined,
  shared: Extract<RegistryAddress, { type: 'zookeeper' }> | undefined,
  service: string,
): readonly string[] {
  const hosts = own ?? shared?.hosts;
  if (!hosts) throw new Error(`cannot follow ${service}: no ZooKeeper hosts`);
  return hosts;
}
