import { createLatest } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';
import { z } from 'zod';

import { base } from './base.ts';
import { consul } from './consul.ts';
import type { Discovery, DiscoveryDeps } from './discovery.ts';
import { dns } from './dns/dns.ts';
import { docker } from './docker.ts';
import { ec2tag } from './ec2tag.ts';
import { etcd } from './etcd.ts';
import { file } from './file.ts';
import { kubernetes } from './kubernetes.ts';
import { marathon } from './marathon.ts';
import { multi } from './multi/multi.ts';
import { resolverProblem, resolverSchema } from './multi/schema.ts';
import { filtersOf, labelFilterKeys, withFilters } from './policies/label-filters.ts';
import { zookeeper } from './zookeeper.ts';
import { zookeeperDns, zookeeperDnsPoll } from './zookeeper-dns.ts';
import { zookeeperPoll } from './zookeeper-poll.ts';

/** A discovery's own keys and the filters; found again by its name in the JSON Schema. */
const filtered = <Shape extends { readonly method: z.ZodLiteral<string> }>(
  schema: z.ZodObject<Shape, z.core.$strict>,
) => schema.extend(labelFilterKeys).meta({ ...schema.meta(), id: schema.shape.method.value });

const single = [
  filtered(zookeeper.schema),
  filtered(zookeeperPoll.schema),
  filtered(etcd.schema),
  filtered(file.schema),
  filtered(base.schema),
  filtered(dns.schema),
  filtered(zookeeperDns.schema),
  filtered(zookeeperDnsPoll.schema),
  filtered(docker.schema),
  filtered(marathon.schema),
  filtered(ec2tag.schema),
  filtered(consul.schema),
  filtered(kubernetes.schema),
] as const;

const singleSchema = z.discriminatedUnion('method', single);
const watchers = z.record(z.string(), singleSchema);
const watchersMeta = {
  description: 'discoveries by name, each as `discovery` itself',
  examples: [{ blue: { method: 'file', path: 'web-blue' } }],
  leaf: true,
};

const multiSchema = z
  .strictObject({
    method: z.literal('multi'),
    watchers: watchers
      .refine((all) => Object.keys(all).length > 0, { error: 'needs at least one' })
      .meta(watchersMeta),
    resolver: resolverSchema.meta({
      description: 'which of them count',
      examples: [{ method: 'sequential', sequential_order: ['blue', 'green'] }],
    }),
    ...labelFilterKeys,
  })
  .meta({ description: 'several discoveries as one' });

/** Every way to find a service, by the `method` that selects it. */
export const discoverySchema = z.discriminatedUnion('method', [...single, multiSchema]);

/** The originals' `discovery_multi`: watchers beside `discovery`, which is the one named `primary`. */
export const discoveryMultiSchema = multiSchema.extend({
  method: z.literal('multi').default('multi'),
  watchers: watchers.default({}).meta(watchersMeta),
});

export type SingleDiscovery = z.output<typeof singleSchema>;
export type DiscoveryConfig = z.output<typeof discoverySchema>;

/** The discoveries of one configuration that follow something themselves, each with its place in it. */
export function partsOf(
  config: DiscoveryConfig,
): readonly (readonly [path: readonly string[], part: SingleDiscovery])[] {
  if (config.method !== 'multi') return [[[], config]];
  return Object.entries(config.watchers).map(([name, part]) => [['watchers', name], part]);
}

/** What is wrong with a discovery's parts together, or undefined. */
export function problemOf(config: DiscoveryConfig): string | undefined {
  return config.method === 'multi'
    ? resolverProblem(config.resolver, Object.keys(config.watchers))
    : undefined;
}

/** The discovery that a configuration describes, before its own label filters; those of its parts are applied. */
export function createDiscovery(config: DiscoveryConfig, deps: DiscoveryDeps): Discovery {
  return config.method === 'multi' ? createMulti(config, deps) : createSingle(config, deps);
}

function createMulti(
  { watchers: all, resolver }: z.output<typeof multiSchema>,
  deps: DiscoveryDeps,
): Discovery {
  const names = Object.keys(all);
  const missing = Object.fromEntries(names.map((name) => [name, createLatest<string>()]));
  const made = Object.entries(all).map(([name, each]) => {
    let hasListed = false;
    const found = (list: readonly Instance[]) => {
      hasListed = true;
      deps.onFound?.(name, list);
    };
    const own: DiscoveryDeps = {
      ...deps,
      onMissing: (reason) => {
        // It counts as empty until it has a list.
        if (!hasListed) deps.onFound?.(name, []);
        missing[name]?.set(reason);
      },
      onTrouble: (reason, part) =>
        deps.onTrouble?.(reason, part ? `watcher ${name}, ${part}` : `watcher ${name}`),
      onHealth: (lastUnhealthy) => deps.onHealth?.(lastUnhealthy, name),
      log: deps.log.child({ watcher: name }),
    };
    // One that cannot be made fails when it is followed, and stops no other.
    const follow: Discovery = (signal) => createSingle(each, own)(signal);
    const filtered = withFilters(follow, filtersOf(each));
    return [name, told(filtered, found)] as const;
  });
  return multi(Object.fromEntries(made), resolver, { ...deps, missing });
}

/** The discovery, whose lists are told to somebody else, too. */
function told(discovery: Discovery, tell: (list: readonly Instance[]) => void): Discovery {
  return async function* (signal) {
    for await (const list of discovery(signal)) {
      tell(list);
      yield list;
    }
  };
}

function createSingle(config: SingleDiscovery, deps: DiscoveryDeps): Discovery {
  switch (config.method) {
    case 'zookeeper':
      return zookeeper.create(config, deps);
    case 'zookeeper_poll':
      return zookeeperPoll.create(config, deps);
    case 'etcd':
      return etcd.create(config, deps);
    case 'file':
      return file.create(config, deps);
    case 'base':
      return base.create(config, deps);
    case 'dns':
      return dns.create(config, deps);
    case 'zookeeper_dns':
      return zookeeperDns.create(config, deps);
    case 'zookeeper_dns_poll':
      return zookeeperDnsPoll.create(config, deps);
    case 'docker':
      return docker.create(config, deps);
    case 'marathon':
      return marathon.create(config, deps);
    case 'ec2tag':
      return ec2tag.create(config, deps);
    case 'consul':
      return consul.create(config, deps);
    case 'kubernetes':
      return kubernetes.create(config, deps);
  }
}
