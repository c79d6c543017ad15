import { filePath } from '@smartstack/daemon';
import type { HandedOff, SessionOptions } from '@smartstack/zookeeper';
import { z } from 'zod';

import { disposeAll } from './announcements.ts';
import { createAgents, type Inherited, type UsedAgent } from './consul/agents.ts';
import type { ConsulRegistry } from './consul/consul.ts';
import type { ConsulSection } from './consul/section.ts';
import { createEtcdRegistry, type EtcdRegistry } from './etcd/etcd.ts';
import { etcdOptionsOf } from './etcd/options.ts';
import type { EtcdSection } from './etcd/section.ts';
import { createEtcdV2Registry, type EtcdV2Registry } from './etcd-v2/etcd-v2.ts';
import type { EtcdV2Address } from './etcd-v2/keys.ts';
import { createFileRegistry } from './file/file.ts';
import type { DecoderDeps } from './instance/decoder.ts';
import { createKubernetesRegistry, type KubernetesRegistry } from './kubernetes/kubernetes.ts';
import type { KubernetesAddress } from './kubernetes/section.ts';
import type { Registry } from './registry.ts';
import { splitChroot } from './zookeeper/connect-string.ts';
import { createZooKeeperRegistry, type ZooKeeperRegistry } from './zookeeper/zookeeper.ts';

/** Where a service is announced inside a folder. */
export const registryPath = z
  .string()
  .min(1)
  .refine((path) => !path.includes('\0'), { error: 'expected a path without NUL characters' })
  .refine((path) => !path.split('/').some((part) => part === '.' || part === '..'), {
    error: 'expected a path without . and .. in it',
  });

/** The top-level `registry` section of both daemons: a registry that is no ZooKeeper. */
export const registrySchema = z
  .strictObject({
    type: z.literal('file').meta({ description: 'a folder in place of a server' }),
    directory: filePath.meta({
      description:
        'its folder. Announcements are files that their owner touches every 2 s; readers watch the folder, look at it once a second, and ignore files that were not touched for 10 s',
      examples: ['/var/lib/smartstack/registry'],
    }),
  })
  .meta({
    description:
      'a registry with no server, for one machine or a shared file system; in place of ZooKeeper for every service that does not say otherwise',
    examples: [{ type: 'file', directory: '/var/lib/smartstack/registry' }],
  });

/** Where a service is announced or followed. */
export type RegistryAddress =
  | { readonly type: 'zookeeper'; readonly hosts: readonly string[] }
  | { readonly type: 'file'; readonly directory: string }
  | { readonly type: 'etcd'; readonly endpoints: readonly string[] };

/** A daemon's registries, one for each ensemble or folder however many services use it. */
export interface Registries extends AsyncDisposable {
  open(address: RegistryAddress): Registry;
}

/** Registries with ZooKeeper's own operations, and those that can only be announced in. */
export interface OpenedRegistries extends Registries {
  openZooKeeper(hosts: readonly string[]): ZooKeeperRegistry;
  openEtcd(endpoints: readonly string[]): EtcdRegistry;
  openEtcdV2(address: EtcdV2Address): EtcdV2Registry;
  openConsul(section: ConsulSection): ConsulRegistry;
  openKubernetes(address: KubernetesAddress): KubernetesRegistry;
  /** What the next process would need to take the announcements over if this one died now. */
  tickets(): Tickets;
  /** Ends all of them and leaves the announcements to the next process. */
  handOff(): Promise<Tickets>;
  /** Agents of Consul at which services of this process or an earlier one may be; once it has ended, those at which some are left. */
  agents(): readonly UsedAgent[];
  /** What an earlier process left, in each registry by itself. */
  inherited(): readonly Inherited[];
  /** The last moment at which any ensemble or cluster was in trouble, on `performance.now`'s clock; undefined for never. */
  lastUnhealthy(): number | undefined;
}

/** What the next process needs to take announcements over, by ensemble. It holds secrets; JSON-safe. */
export type Tickets = Readonly<Record<string, HandedOff>>;

export interface RegistriesOptions extends DecoderDeps {
  /** What every ZooKeeper session is opened with; see `sessionOptionsOf`. */
  readonly session?: Partial<SessionOptions>;
  /** How every etcd is spoken to. */
  readonly etcd?: EtcdSection | undefined;
  /** What an earlier process left behind. */
  readonly resume?: Tickets;
  /** The agents of Consul of an earlier process. */
  readonly agents?: readonly UsedAgent<ConsulSection>[];
  /** The name of the instances that this process announces. */
  readonly owner?: string;
}

/** Opens registries on first use and disposes of all of them together. */
export function createRegistries({
  session,
  etcd = { endpoints: [] },
  resume = {},
  agents: earlier = [],
  owner,
  ...deps
}: RegistriesOptions): OpenedRegistries {
  const folders = new Map<string, Registry>();
  const ensembles = new Map<string, ZooKeeperRegistry>();
  const etcds = new Map<string, EtcdRegistry>();
  const etcdV2s = new Map<string, EtcdV2Registry>();
  const consul = createAgents({ ...deps, owner, earlier });
  const clusters = new Map<string, KubernetesRegistry>();

  function openZooKeeper(hosts: readonly string[]): ZooKeeperRegistry {
    const key = ensembleKey(hosts);
    const ticket = resume[key];
    return getOrCreate(ensembles, key, () =>
      createZooKeeperRegistry({ ...session, ...deps, hosts, ...(ticket && { resume: ticket }) }),
    );
  }

  function openEtcd(endpoints: readonly string[]): EtcdRegistry {
    const options = etcdOptionsOf(etcd, endpoints, deps.log);
    const key = `etcd ${[...options.endpoints].sort().join(',')}`;
    const ticket = resume[key];
    const onLease = session?.onSession;
    return getOrCreate(etcds, key, () =>
      createEtcdRegistry({ ...options, ...deps, resume: ticket, onLease }),
    );
  }

  /** Registries whose announcements can be taken over. */
  const handedOn = (): readonly (readonly [key: string, ZooKeeperRegistry | EtcdRegistry])[] => [
    ...ensembles,
    ...etcds,
  ];

  return {
    open: (address) => {
      switch (address.type) {
        case 'zookeeper':
          return openZooKeeper(address.hosts);
        case 'etcd':
          return openEtcd(address.endpoints);
        case 'file':
          return getOrCreate(folders, address.directory, () =>
            createFileRegistry({ directory: address.directory, ...deps }),
          );
      }
    },
    openEtcd,
    openZooKeeper,
    openEtcdV2: (address) =>
      getOrCreate(etcdV2s, `${address.host}:${address.port}`, () =>
        createEtcdV2Registry(address, deps),
      ),
    openConsul: consul.open,
    openKubernetes: (address) =>
      getOrCreate(clusters, JSON.stringify(address), () => createKubernetesRegistry(address, deps)),
    tickets: () => ticketsOf(handedOn().map(([key, registry]) => [key, registry.ticket()])),
    handOff: async () => {
      for (const registry of consul.all()) registry.handOff();
      return ticketsOf(
        await Promise.all(
          handedOn().map(async ([key, registry]) => [key, await registry.handOff()] as const),
        ),
      );
    },
    agents: consul.used,
    inherited: () => [
      ...handedOn().map(([, { dropUnclaimed: drop }]) => ({ drop })),
      ...consul.inherited(),
    ],
    lastUnhealthy: () => {
      const all = [
        ...handedOn().map(([, registry]) => registry),
        ...consul.all(),
        ...clusters.values(),
      ];
      const times = all.map((registry) => registry.lastUnhealthy() ?? -1);
      const last = Math.max(-1, ...times);
      return last < 0 ? undefined : last;
    },
    [Symbol.asyncDispose]: async () => {
      await disposeAll([
        ...folders.values(),
        ...etcdV2s.values(),
        ...etcds.values(),
        consul,
        ...ensembles.values(),
        ...clusters.values(),
      ]);
    },
  };
}

function ticketsOf(all: readonly (readonly [key: string, HandedOff | undefined])[]): Tickets {
  return Object.fromEntries(all.flatMap(([key, ticket]) => (ticket ? [[key, ticket]] : [])));
}

/** The same servers in another order are the same ensemble. */
function ensembleKey(servers: readonly string[]): string {
  const { hosts, chroot = '' } = splitChroot(servers);
  return `${[...hosts].sort().join(',')}${chroot}`;
}

function getOrCreate<V>(map: Map<string, V>, key: string, create: () => V): V {
  const present = map.get(key);
  if (present !== undefined) return present;
  const created = create();
  map.set(key, created);
  return created;
}
