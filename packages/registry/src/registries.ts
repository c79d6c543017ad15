import { duration } from '@smartstack/daemon';
import { z } from 'zod';

import type { DecoderDeps } from './decoder.ts';
import { createFileRegistry } from './file/file.ts';
import type { Registry } from './registry.ts';
import { createZooKeeperRegistry, splitChroot } from './zookeeper/zookeeper.ts';

/** ZooKeeper servers as configurations list them: `host:port` each, or all in one text with commas. */
export const zooKeeperHosts = z
  .union([z.string().transform((text) => [text]), z.array(z.string())])
  .refine((hosts) => splitChroot(hosts).hosts.length > 0, {
    error: 'expected at least one host:port',
  });

/** The top-level `zookeeper` section of both daemons. */
export const zooKeeperSchema = z.strictObject({
  hosts: zooKeeperHosts,
  /** The session timeout to ask for: how long a dead machine's announcements stand. */
  session_timeout: duration.optional(),
});

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

export interface RegistriesOptions extends DecoderDeps {
  /** The session timeout to ask ZooKeeper for, in milliseconds. */
  readonly sessionTimeout?: number | undefined;
}

/** Opens registries on first use and disposes of all of them together. */
export function createRegistries({ sessionTimeout, ...deps }: RegistriesOptions): Registries {
  const opened = new Map<string, Registry>();
  const create = (address: RegistryAddress) =>
    address.type === 'file'
      ? createFileRegistry({ directory: address.directory, ...deps })
      : createZooKeeperRegistry({
          hosts: address.hosts,
          ...deps,
          ...(sessionTimeout !== undefined && { timeout: sessionTimeout }),
        });
  return {
    open: (address) => {
      const key = keyOf(address);
      const registry = opened.get(key) ?? create(address);
      opened.set(key, registry);
      return registry;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...opened.values()].map((registry) => registry[Symbol.asyncDispose]()));
    },
  };
}

/** The same servers in another order are the same ensemble. */
function keyOf(address: RegistryAddress): string {
  if (address.type === 'file') return `file ${address.directory}`;
  const { hosts, chroot = '' } = splitChroot(address.hosts);
  return `zookeeper ${[...hosts].sort().join(',')}${chroot}`;
}
