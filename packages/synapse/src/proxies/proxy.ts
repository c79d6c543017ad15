import type { Snapshot } from '../service.ts';
import type { Measured } from './measured.ts';

export type Applied = 'unchanged' | 'updated' | 'reloaded';

/** A part of the configuration that a proxy does not take: a service, or what a section is called. */
export interface Refused {
  readonly owner: string;
  readonly reason: string;
  /** When it was refused first, as ISO 8601. */
  readonly since: string;
  /** Whether what it was before serves on meanwhile. */
  readonly lastGood: boolean;
}

/**
 * Keeps one local proxy equal to a snapshot. `apply` is idempotent and is never called while an
 * earlier call is under way; when it rejects, the proxy still runs on the last good configuration.
 */
export interface ProxyDriver extends AsyncDisposable {
  readonly name: string;
  /** Whether synapse is ready without it, since it serves no app. */
  readonly auxiliary?: boolean;
  apply(snapshot: Snapshot, signal: AbortSignal): Promise<Applied>;
  /**
   * Makes ready for the first `apply` what can be known from a part of its snapshot, and touches no proxy.
   * Called before it, again and again while the rest is waited for, and never while another call is under way.
   */
  prepare?(snapshot: Snapshot, signal: AbortSignal): Promise<void>;
  /**
   * Yields whenever the driver found that the proxy must be brought in step again without a new
   * snapshot (it died, drained a server, was changed by hand, may reload now). Ends when aborted.
   */
  wakes(signal: AbortSignal): AsyncIterable<void>;
  /** Asks the proxy what `status` is to show of its actual state; within a bounded time, and never rejects. */
  refresh?(signal: AbortSignal): Promise<void>;
  /** What the driver knows, for the status page: JSON-safe. */
  status(): unknown;
  /** What is left out for now. */
  refused?(): readonly Refused[];
  /** What the proxy counted and checked, by service; asks it, which costs it something. */
  measure?(signal: AbortSignal): Promise<ReadonlyMap<string, Measured>>;
}
