import type { Measured } from './measured.ts';
import type { Snapshot } from './service.ts';

export type Applied = 'unchanged' | 'updated' | 'reloaded';

/** Something that is kept in step with the desired state: a proxy, files or counters. */
export interface Output extends AsyncDisposable {
  readonly name: string;
  /** Whether synapse is ready without it, since it serves no app. */
  readonly auxiliary?: boolean;
  /** Idempotent, and never called while an earlier call is under way. */
  apply(snapshot: Snapshot, signal: AbortSignal): Promise<Applied>;
  /**
   * Prepares for the first `apply` with the part of its snapshot that is known, and changes nothing.
   * Called before it, again and again while the rest is waited for, and never while another call is under way.
   */
  prepare?(snapshot: Snapshot, signal: AbortSignal): Promise<void>;
  /**
   * Yields whenever it must be brought in step again without a new snapshot. Ends when aborted.
   */
  wakes(signal: AbortSignal): AsyncIterable<void>;
  /** What it knows, for the status page: JSON-safe. */
  status(): unknown;
}

/** A part of the configuration that a proxy does not take: a service, or what a section is called. */
export interface Refused {
  readonly owner: string;
  readonly reason: string;
  /** When it was refused first, as ISO 8601. */
  readonly since: string;
  /** Whether the last good lines serve on meanwhile. */
  readonly lastGood: boolean;
}

/**
 * Keeps one local proxy equal to a snapshot. When `apply` rejects, the proxy still runs on the last good
 * configuration. `wakes` yields when the proxy died, drained a server, was changed by hand, may reload now.
 */
export interface ProxyDriver extends Output {
  /** Asks the proxy what `status` is to show of its actual state; within a bounded time, and never rejects. */
  refresh?(signal: AbortSignal): Promise<void>;
  status(): ProxyStatus;
  /**
   * The services that the proxy itself serves before the first `apply`, by what an earlier synapse gave it. Changes
   * nothing; rejects where the proxy does not answer. Never called while another call is under way.
   */
  standing?(signal: AbortSignal): Promise<ReadonlySet<string>>;
  /** Whether apps reach a service of the last snapshot through it now, by that snapshot's section or an earlier one. */
  serves(service: string): boolean;
  /** What is left out for now. */
  refused(): readonly Refused[];
  /** What the proxy counted and checked, by service; asks it, which costs it something. */
  measure(signal: AbortSignal): Promise<ReadonlyMap<string, Measured>>;
}

/** What every proxy's status has; its own facts stand beside. */
export interface ProxyStatus {
  /** `none` where no proxy is touched, which `why` explains. */
  readonly mode?: string;
  readonly why?: string;
  /** Why the proxy is not as desired, where it is not. */
  readonly trouble?: string | null;
  readonly services?: Readonly<Record<string, { readonly servers?: readonly ShownServer[] }>>;
}

/** One server of a service as the driver shows it. */
export interface ShownServer {
  readonly name: string;
  readonly address: string;
  /** Its state in the proxy's words, or where it is on its way there; `ejected` where it failed too much. */
  readonly state: string;
  /** Why it is ejected, since when, and until when; ISO 8601. */
  readonly ejected?: {
    readonly since: string;
    readonly why: string;
    /** Null where it is tried again and again, since it did not accept connections when it was due. */
    readonly back: string | null;
  };
}
