import type { RecordForm, RegistryAddress } from '@smartstack/registry';
import type { z } from 'zod';

/** Where a service is announced. */
export interface Place {
  readonly address: RegistryAddress;
  readonly path: string;
  /** How a ZooKeeper holds the record. */
  readonly form?: RecordForm;
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
