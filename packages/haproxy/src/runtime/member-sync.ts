import type { Due } from '@smartstack/proxy';

import type { Desired, DesiredState } from '../desired/desired.ts';
import type { Layout } from '../render/layout.ts';
import type { Meters } from '../status/metrics.ts';
import type { Actual } from './actual.ts';
import { isGone } from './admin-socket.ts';
import type { SyncedMembers } from './membership.ts';
import type { Synced } from './sync.ts';

/** Brings the members of HAProxy in step with what is desired. */
export interface MemberSync {
  sync(signal: AbortSignal): Promise<Synced>;
  /** The same; a HAProxy whose socket is gone has nothing to be brought in step, and one that hangs is not replaced. */
  syncLiving(signal: AbortSignal): Promise<Synced>;
  /**
   * The same while a file is loaded: it is not sure which worker answers, and all is looked at again after it.
   * What is due waits a little.
   */
  syncMeanwhile(due: ReadonlySet<string>, signal: AbortSignal): Promise<Synced>;
}

export interface MemberSyncOptions {
  readonly actual: Actual;
  readonly desire: DesiredState;
  /** What is desired now. */
  desired(): ReadonlyMap<string, Desired>;
  /** What HAProxy runs, and who is told of what members want. */
  readonly reloads: {
    readonly layout: Layout | undefined;
    compared(synced: SyncedMembers): void;
  };
  readonly meters: Meters;
  readonly due: Due;
}

export const nothingSynced: Synced = { steps: 0, reload: new Map(), unfinished: [] };

/** How long what is due waits while a file is loaded, in milliseconds. */
const soon = 200;

export function createMemberSync(options: MemberSyncOptions): MemberSync {
  const { actual, desire, reloads, meters, due } = options;

  async function sync(signal: AbortSignal): Promise<Synced> {
    const now = { desired: options.desired(), desire, layout: reloads.layout };
    const synced = await actual.sync(now, signal);
    meters.steps.inc(synced.steps);
    reloads.compared(synced);
    return synced;
  }

  return {
    sync,
    syncLiving: async (signal) => {
      try {
        return await sync(signal);
      } catch (error) {
        if (!isGone(error)) throw error;
        actual.invalidate();
        await actual.find(signal);
        return nothingSynced;
      }
    },
    syncMeanwhile: async (names, signal) => {
      for (const name of names) due.at(name, performance.now() + soon);
      if (!actual.running) return nothingSynced;
      return sync(signal).catch(() => {
        signal.throwIfAborted();
        due.at('meanwhile', performance.now() + soon);
        return nothingSynced;
      });
    },
  };
}
