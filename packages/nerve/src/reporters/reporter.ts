import { resolve } from 'node:path';

import { type RecordForm, type RegistryAddress, splitChroot } from '@smartstack/registry';
import type { z } from 'zod';

/** Where a service is announced. */
export interface Place {
  readonly address: RegistryAddress;
  readonly path: string;
  /** How a ZooKeeper holds the record. */
  readonly form?: RecordForm;
}

/** The same for two places that are one, however they are written. */
export function keyOfPlace({ address, path }: Place): string {
  if (address.type === 'file')
    return JSON.stringify([resolve(address.directory), path.split('/').filter(Boolean)]);
  const { hosts, chroot = '' } = splitChroot(address.hosts);
  return JSON.stringify([hosts.toSorted(), `${chroot}${path}`]);
}

/** The registries that the top of the configuration names for all services. */
export interface SharedRegistries {
  readonly zookeeper?: { readonly hosts: readonly string[] } | undefined;
  readonly registry?: { readonly type: 'file'; readonly directory: string } | undefined;
}

/**
 * One way to announce a service, by the `reporter_type` that selects it. Its keys stand flat among the
 * service's own, as in the originals.
 */
export interface Reporter<Keys extends z.ZodRawShape> {
  readonly type: string;
  readonly keys: Keys;
  /** What the service lacks, by key. Reads whether keys are there, never what they hold. */
  missing(service: Values<Keys>, shared: SharedRegistries): Readonly<Record<string, string>>;
  /** Where a service that lacks nothing is announced. */
  place(name: string, service: Values<Keys>, shared: SharedRegistries): Place;
}

type Values<Keys extends z.ZodRawShape> = z.output<z.ZodObject<Keys>>;
