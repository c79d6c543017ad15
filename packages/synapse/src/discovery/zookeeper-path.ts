import { duration } from '@smartstack/daemon';
import {
  type FollowOptions,
  type Instance,
  nodePath,
  type RegistryAddress,
  serversetDecoder,
  zooKeeperHosts,
} from '@smartstack/registry';
import { z } from 'zod';

import { allProxies } from '../proxies.ts';
import type { Discovery, DiscoveryDeps } from './discovery.ts';
import { withPace } from './policies/pace.ts';

const sections = allProxies.map(({ name }) => `\`{"${name}": {…}}\``).join(' or ');

/** The keys of every discovery that follows a ZooKeeper path; the originals' names. */
export const zooKeeperKeys = {
  hosts: zooKeeperHosts.optional().meta({
    description: 'the ensemble, `host:port` each',
    otherwise: '`zookeeper.hosts`',
    examples: [['zk1:2181', 'zk2:2181', 'zk3:2181']],
  }),
  path: nodePath.meta({
    description: 'where the service is announced (nerve’s `zk_path`)',
    examples: ['/services/web'],
  }),
  decode: z
    .discriminatedUnion('method', [
      z.strictObject({ method: z.literal('nerve') }).meta({
        description:
          'nerve’s own records. A name `base64_<length>_<base64>_<sequence>` carries its member, whatever the method',
      }),
      z
        .strictObject({
          method: z.literal('serverset'),
          endpoint_name: z
            .string()
            .min(1)
            .optional()
            .meta({
              description: 'the additional endpoint that is meant',
              otherwise: 'the service endpoint',
              examples: ['admin'],
            }),
        })
        .meta({
          description:
            'Finagle’s and Aurora’s; the shard is the member’s name, and who is not `ALIVE` is left out',
        }),
    ])
    .optional()
    .meta({
      description: 'how records are read',
      otherwise: '`{method: nerve}`',
      examples: [{ method: 'serverset', endpoint_name: 'admin' }],
    }),
  generator_config_path: z
    .union([z.literal('disabled'), nodePath])
    .optional()
    .meta({
      description: `the node whose data, ${sections}, goes over the service’s section of that proxy, seen as soon as it is written. Of a \`multi\` the nodes of the watchers whose members are served count; of several, each key is as the first of them in the file says. \`disabled\`: none. ${allProxies.map(({ config }) => config.registry.description).join('. ')}`,
      otherwise: 'the path itself',
      examples: ['disabled'],
    }),
  discovery_jitter: duration
    .refine((milliseconds) => milliseconds <= 120_000, {
      error: 'must not be more than 120 seconds',
    })
    .optional()
    .meta({
      description:
        'the least time from one list to the next; a change after a quiet time is not held',
      default: 0,
      maximum: 120,
      examples: [5],
    }),
  retry_policy: z
    .strictObject({
      max_attempts: z.number().optional(),
      max_delay: duration.optional(),
      base_interval: duration.optional(),
      max_interval: duration.optional(),
    })
    .optional()
    .meta({
      description: 'taken from the originals’ files, without effect: nothing is ever given up',
      examples: [{ max_attempts: 10 }],
      deprecated: true,
      leaf: true,
    }),
};

/** How often a path is asked for where it is not watched. */
export const pollKeys = {
  polling_interval_sec: duration
    .prefault(60)
    .meta({ description: 'how often the path is read', examples: [15] }),
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
  { registries, zookeeper, service, onMissing, onHealth }: DiscoveryDeps,
): Discovery {
  const registry = registries.openZooKeeper(hostsOf(hosts, zookeeper, service));
  onHealth?.(registry.lastUnhealthy);
  const options: FollowOptions = {
    pollInterval,
    onMissing: onMissing && (() => onMissing(`the path ${path} does not exist`)),
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
