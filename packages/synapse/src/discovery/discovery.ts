import type { Log, Metrics } from '@smartstack/daemon';
import type {
  ConsulSection,
  Instance,
  KubernetesAddress,
  OpenedRegistries,
  RegistryAddress,
} from '@smartstack/registry';

/**
 * Follows one service: yields the whole list of its members, then again on every change, until the signal
 * aborts. Failures are retried inside; it never yields a part of a list.
 */
export type Discovery = (signal: AbortSignal) => AsyncIterable<readonly Instance[]>;

/** What discoveries are made from. */
export interface DiscoveryDeps {
  /** The service's name, for messages and defaults. */
  readonly service: string;
  /** The port of members that are found without one. */
  readonly port?: number | undefined;
  /** Called with the watchers of a `multi` that count, in order, whenever that may have changed. */
  onChosen?(watchers: readonly string[]): void;
  /** Called with the newest list of each watcher of a `multi`, after its own filters. */
  onFound?(watcher: string, list: readonly Instance[]): void;
  readonly registries: OpenedRegistries;
  /** The daemon's own registries, for a discovery that names none. */
  readonly zookeeper?: Extract<RegistryAddress, { type: 'zookeeper' }> | undefined;
  readonly etcd?: Extract<RegistryAddress, { type: 'etcd' }> | undefined;
  readonly consul?: ConsulSection | undefined;
  readonly file?: Extract<RegistryAddress, { type: 'file' }> | undefined;
  readonly kubernetes?: KubernetesAddress | undefined;
  /** Called with the reason why no instance is registered, if the registry has no such place; no member leaves for that. */
  readonly onMissing?: ((reason: string) => void) | undefined;
  /**
   * Called with the reason why it does not answer now, while its last answer stands; with undefined once it answers
   * again. `part` says which of several parts it is, `''` the whole.
   */
  onTrouble?(reason: string | undefined, part?: string): void;
  /** Called with how to ask a registry, which says no trouble of its own, when it did not answer last (`performance.now`). */
  onHealth?(lastUnhealthy: () => number | undefined, watcher?: string): void;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * What the registry sets in a service's own sections, by the proxy; a proxy that it sets nothing of is absent.
 * `policy` is a `RegistryPolicy`.
 */
export type RegistryConfig = Readonly<Record<string, object>>;

/** Yields what a registry sets in a service's sections, whenever that changes. */
export type FollowRegistryConfig = (signal: AbortSignal) => AsyncIterable<RegistryConfig>;
