import { resolve } from 'node:path';

import {
  type EtcdV2Address,
  type RecordForm,
  type RegistryAddress,
  splitChroot,
} from '@smartstack/registry';
import type { z } from 'zod';

/** Where and how a service is announced. */
export type Place = { readonly path: string } & (
  | { readonly address: ZooKeeperAddress; readonly form: RecordForm }
  | { readonly address: FileAddress | EtcdAddress }
  | {
      readonly address: EtcdV2Address & { readonly type: 'etcd_v2' };
      /** How long an announcement outlives nerve, in milliseconds. */
      readonly ttl: number;
    }
);

type ZooKeeperAddress = Extract<RegistryAddress, { type: 'zookeeper' }>;
type EtcdAddress = Extract<RegistryAddress, { type: 'etcd' }>;
type FileAddress = Extract<RegistryAddress, { type: 'file' }>;

/** Equal for two ways to write one place. */
export function keyOfPlace({ address, path }: Place): string {
  switch (address.type) {
    case 'file':
      return JSON.stringify([resolve(address.directory), path.split('/').filter(Boolean)]);
    case 'etcd':
      return JSON.stringify([address.endpoints.toSorted(), path]);
    case 'etcd_v2':
      return JSON.stringify([`${address.host.toLowerCase()}:${address.port}`, path]);
    default: {
      const { hosts, chroot = '' } = splitChroot(address.hosts);
      return JSON.stringify([hosts.toSorted(), `${chroot}${path}`]);
    }
  }
}

/** The registries that the top of the configuration names for all services. */
export interface SharedRegistries {
  readonly zookeeper?: { readonly hosts: readonly string[] } | undefined;
  readonly etcd?: { readonly endpoints: readonly string[] } | undefined;
  readonly registry?: { readonly type: 'file'; readonly directory: string } | undefined;
}

/**
 * One way to announce a service, by the `reporter_type` that selects it. Its keys are flat among the
 * service's own, as in the originals.
 */
export interface Reporter<Keys extends z.ZodRawShape> {
  readonly type: string;
  readonly keys: Keys;
  /** The keys that the service lacks. Looks whether keys exist, not at their values. */
  missing(service: Values<Keys>, shared: SharedRegistries): Readonly<Record<string, string>>;
  /** Where a service with all of its keys is announced. */
  place(name: string, service: Complete<Keys>, shared: SharedRegistries): Place;
}

type Complete<Keys extends z.ZodRawShape> = Values<Keys> & {
  /** Milliseconds. */
  readonly check_interval: number;
};

type Values<Keys extends z.ZodRawShape> = z.output<z.ZodObject<Keys>>;
