import type { Instance } from './instance/instance.ts';

/**
 * Where instances are announced and followed. A path names one service, such as `/services/web`.
 * Trouble with the registry never ends an announcement or a watch: they go on when it is back.
 */
export interface Registry extends AsyncDisposable {
  /**
   * Announces an instance and keeps it announced, through lost sessions, until disposed of. Resolves
   * once it stands in the registry; waits for an unreachable one until the signal aborts.
   */
  announce(path: string, instance: Instance, signal: AbortSignal): Promise<Announcement>;
  /**
   * Yields the whole list of a path's instances, then a whole new one on every change; never a part,
   * and nothing before the registry was heard. Bad records are left out, counted and logged once.
   * Ends when the signal aborts.
   */
  watch(path: string, signal: AbortSignal): AsyncIterable<readonly Instance[]>;
}

export interface Announcement extends AsyncDisposable {
  /** Announces new content in place, with no moment without one. */
  update(instance: Instance, signal: AbortSignal): Promise<void>;
  /** Withdraws: resolves once other readers can no longer see it, or the registry was given up on. */
  [Symbol.asyncDispose](): Promise<void>;
}
