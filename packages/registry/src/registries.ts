import type { SessionOptions } from '@smartstack/zookeeper';
import { z } from 'zod';

import type { DecoderDeps } from './decoder.ts';
import { createFileRegistry } from './file/file.ts';
import type { Registry } from './registry.ts';
import {
  createZooKeeperRegistry,
  splitChroot,
  type ZooKeeperRegistry,
} from './zookeeper/zookeeper.ts';

/** The top-level `registry` section of both daemons: a registry that is no ZooKeeper. */
export const registrySchema = z.strictObject({
  type: z.literal('file'),
  directory: z.string().min(1),
});

/** Where a service is announced or followed. */
export type RegistryAddress =
  | { readonly type: 'zookeeper'; readonly hosts: readonly string[] }
  | { readonly type: 'file'; readonly directory: string };

/** A daemon's registries, one for each ensemble or folder however many services use it. */
export interface Registries extends AsyncDisposable {
  open(address: RegistryAddress): Registry;
}

/** Registries whose ZooKeeper ones show what only ZooKeeper has. */
export interface OpenedRegistries extends Registries {
  openZooKeeper(hosts: readonly string[]): ZooKeeperRegistry;
  /** The last moment at which any ensemble was in trouble, on `performance.now`'s clock; undefined for never. */
  lastUnwell(): number | undefined;
}

export interface RegistriesOptions extends DecoderDeps {
  /** What every ZooKeeper session is opened with; see `sessionOptionsOf`. */
  readonly session?: Partial<SessionOptions>;
}

/** Opens registries on first use and disposes of all of them together. */
export function createRegistries({ session, ...deps }: RegistriesOptions): OpenedRegistries {
  const folders = new Map<string, Registry>();
  const ensembles = new Map<string, ZooKeeperRegistry>();

  const openZooKeeper = (hosts: readonly string[]) =>
    getOrCreate(ensembles, ensembleKey(hosts), () =>
      createZooKeeperRegistry({
        ...session,
        ...deps,
        hosts,
      }),
    );

  return {
    open: (address) =>
      address.type === 'zookeeper'
        ? openZooKeeper(address.hosts)
        : getOrCreate(folders, address.directory, () =>
            createFileRegistry({ directory: address.directory, ...deps }),
          ),
    openZooKeeper,
    lastUnwell: () => {
      const times = [...ensembles.values()].map((registry) => registry.lastUnwell() ?? -1);
      const last = Math.max(-1, ...times);
      return last < 0 ? undefined : last;
    },
    [Symbol.asyncDispose]: async () => {
      const all = [...folders.values(), ...ensembles.values()];
      await Promise.all(all.map((registry) => registry[Symbol.asyncDispose]()));
    },
  };
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
