import { messageOf } from '@smartstack/daemon';

import type { Instance } from './instance/instance.ts';

/**
 * Where instances are announced and followed. A path names one service, such as `/services/web`.
 * A failing registry never ends an announcement or a watch: they continue once it answers again.
 */
export interface Registry extends AsyncDisposable {
  /**
   * Announces an instance and keeps it announced, through lost sessions, until disposed of. Resolves
   * once it is in the registry; waits for an unreachable one until the signal aborts. Rejects with an
   * `Unconfirmed` where a record may be left in the registry.
   */
  announce(path: string, instance: Instance, signal: AbortSignal): Promise<Announcement>;
  /**
   * Yields the whole list of a path's instances, then a whole new one on every change; never a part,
   * and nothing before the registry has answered. Bad records are left out, counted and logged once.
   * Ends when the signal aborts.
   */
  watch(path: string, signal: AbortSignal): AsyncIterable<readonly Instance[]>;
}

export interface Announcement extends AsyncDisposable {
  /** Replaces the content in place: the record is never absent. */
  update(instance: Instance, signal: AbortSignal): Promise<void>;
  /** Withdraws: resolves once readers can no longer see it, or the session has ended. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The failure of an announcement that the registry may have carried out all the same. */
export class Unconfirmed extends Error implements AsyncDisposable {
  override readonly name = 'Unconfirmed';
  readonly #withdraw: () => Promise<void>;

  constructor(cause: unknown, withdraw: () => Promise<void>) {
    super(messageOf(cause), { cause });
    this.#withdraw = withdraw;
  }

  /** Withdraws what came of this attempt and of earlier ones at the same instance; rejects while the registry does not say so. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#withdraw();
  }
}
