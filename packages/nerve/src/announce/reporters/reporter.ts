import type {
  ConsulSection,
  EtcdSection,
  Instance,
  IsStale,
  OpenedRegistries,
} from '@smartstack/registry';
import type { z } from 'zod';

import type { Announcing } from '../announcement.ts';

/** The registries that the top of the configuration names for all services. */
export interface SharedRegistries {
  readonly zookeeper?: { readonly hosts: readonly string[] } | undefined;
  readonly etcd?: { readonly endpoints: readonly string[] } | undefined;
  readonly consul?: ConsulSection | undefined;
  readonly registry?: { readonly type: 'file'; readonly directory: string } | undefined;
}

/** Where and how a service is announced in one registry, as data alone: two configurations are compared by it. */
export interface PlaceKeys {
  readonly path: string;
}

/**
 * One way to announce a service, by the type that selects it. Its keys are flat among the service's own, as in
 * the originals, or in an entry of `reporters`. All that differs between registries is here.
 */
export interface Reporter<Keys extends z.ZodRawShape, P extends PlaceKeys> {
  readonly type: string;
  readonly keys: Keys;
  /** The keys that the service lacks. Looks whether keys exist, not at their values. */
  missing(service: Values<Keys>, shared: SharedRegistries): Readonly<Record<string, string>>;
  /** Where a service with all of its keys is announced. */
  place(name: string, service: Complete<Keys>, shared: SharedRegistries): P;
  /** Equal for two ways to write one place; JSON. */
  identity(place: P): unknown;
  /** Where that is, in words: `in etcd at …`. */
  describe(place: P, about: PlaceContext): string;
  /** The registry, which announces in the form of the place. */
  open(place: P, registries: OpenedRegistries): OpenedPlace;
}

/** What a description of a place needs to know. */
export interface PlaceContext {
  /** The name that this machine announces under. */
  readonly instanceName: string;
  /** The address that it announces. */
  readonly address: string;
  /** How long a ZooKeeper session outlives nerve, in milliseconds. */
  readonly sessionTimeout: number;
  /** The top-level section of etcd, where there is one. */
  readonly etcd?: EtcdSection | undefined;
}

/** A registry as one place has it. */
export interface OpenedPlace extends Announcing {
  /** The last moment at which it did not answer, on `performance.now`'s clock; undefined for never. */
  lastUnhealthy?(): number | undefined;
  /** What an earlier nerve left there, where the registry can tell. */
  readonly inherited?: Inherited;
}

/** Records of an earlier nerve at one path. */
export interface Inherited {
  /** Whether its session has records that were neither taken over nor withdrawn. */
  remains(): boolean;
  /** Withdraws those of its session for which `isStale` is true. */
  drop(isStale: IsStale, signal: AbortSignal): Promise<void>;
  /** Deletes those of an instance that no session keeps and that are not announced now. */
  clear(instance: Instance, signal: AbortSignal): Promise<void>;
}

type Complete<Keys extends z.ZodRawShape> = Values<Keys> & {
  /** Milliseconds. */
  readonly check_interval: number;
};

type Values<Keys extends z.ZodRawShape> = z.output<z.ZodObject<Keys>>;
