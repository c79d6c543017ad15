import type { Log, Metrics } from '@smartstack/daemon';
import type { Instance, OpenedRegistries, RegistryAddress } from '@smartstack/registry';

/**
 * Follows one service: yields the whole list of its members once it was heard, then again on every
 * change, until the signal aborts. Trouble is waited out inside; it never yields a part.
 */
export type Discovery = (signal: AbortSignal) => AsyncIterable<readonly Instance[]>;

/** What discoveries are made from. */
export interface DiscoveryDeps {
  /** The service's name, for messages and defaults. */
  readonly service: string;
  /** The port of members that are found without one. */
  readonly port?: number | undefined;
  /** Told which watchers of a `multi` count, in order, whenever that may be another. */
  onChosen?(watchers: readonly string[]): void;
  readonly registries: OpenedRegistries;
  /** The daemon's own registries, for a discovery that names none. */
  readonly zookeeper?: Extract<RegistryAddress, { type: 'zookeeper' }> | undefined;
  readonly file?: Extract<RegistryAddress, { type: 'file' }> | undefined;
  /** Told why no instance is registered where the registry answered, but has no such place; nobody leaves for that. */
  readonly onMissing?: ((reason: string) => void) | undefined;
  /**
   * Told why it cannot be asked now, although what was known stands; undefined once it answers again. `part` says
   * which of several parts it is, `''` the whole.
   */
  onTrouble?(reason: string | undefined, part?: string): void;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * What the registry says over a service's own sections, by the proxy; a proxy of which it says nothing is absent.
 * `policy` is a `RegistryPolicy`.
 */
export type RegistryConfig = Readonly<Record<string, object>>;

/** Yields what a registry says over a service's sections, whenever it is another. */
export type FollowRegistryConfig = (signal: AbortSignal) => AsyncIterable<RegistryConfig>;
