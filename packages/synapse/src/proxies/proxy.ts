import type { Snapshot } from '../service.ts';

export type Applied = 'unchanged' | 'updated' | 'reloaded';

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
   * Yields whenever the driver found that the proxy must be brought in step again without a new
   * snapshot (it died, drained a server, was changed by hand, may reload now). Ends when aborted.
   */
  wakes(signal: AbortSignal): AsyncIterable<void>;
  /** What the driver knows, for the status page: JSON-safe. */
  status(): unknown;
}
