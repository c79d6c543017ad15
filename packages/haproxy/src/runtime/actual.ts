import type { Log } from '@smartstack/daemon';
import type { Equipment } from '../process/equipment.ts';
import type { Running } from '../process/loader.ts';
import { createPresence } from '../process/presence.ts';
import type { Keeper } from '../reload/keeper.ts';
import type { Remembered } from '../reload/memory-file.ts';
import type { Layout } from '../render/layout.ts';
import { readWritten, type WrittenFile } from '../render/written.ts';
import type { Membership, MembershipInput, SyncedMembers } from './membership.ts';
import { createSight, type Seen } from './sight.ts';

/** What HAProxy has: which one runs, and the members that it serves. */
export interface Actual {
  /** Undefined while that is not sure. */
  readonly running: Running | undefined;
  /** The worker that last ran; undefined once it is known to be dead. */
  readonly lastPid: number | undefined;
  /** The backends of its file. */
  readonly backends: ReadonlySet<string>;
  /** Finds the HAProxy that runs; one that this process did not start or reload is taken over as it is. */
  find(signal: AbortSignal): Promise<void>;
  /** Brings members in step. */
  sync(now: Omit<MembershipInput, 'backends'>, signal: AbortSignal): Promise<SyncedMembers>;
  /** Asks what there is, as if it were not known. */
  audit(signal: AbortSignal): Promise<void>;
  /** HAProxy has just loaded a file. */
  loaded(layout: Layout, file: WrittenFile, signal: AbortSignal): Promise<void>;
  /** What HAProxy has is not sure any more. */
  invalidate(): void;
  /** No HAProxy runs. */
  dead(): void;
  /** Asks HAProxy for what `seen` is to be; at most once a second. */
  refresh(signal: AbortSignal): Promise<void>;
  /** What it said last; undefined once that is old. */
  seen(): Seen | undefined;
}

export interface ActualOptions {
  readonly equipment: Equipment;
  readonly membership: Membership;
  readonly keeper: Keeper;
  /** What an earlier driver noted. */
  readonly remembered: Remembered;
  readonly log: Log;
}

export function createActual(options: ActualOptions): Actual {
  const { equipment, membership, keeper, remembered, log } = options;
  const presence = createPresence(equipment, log);
  const sight = createSight(equipment.runtimes[0]);

  async function find(signal: AbortSignal): Promise<void> {
    if (!(await presence.look(signal))) return;
    const isSame = presence.running?.pid === remembered.pid;
    membership.adopted(keeper.written ?? readWritten(''), isSame ? remembered.leaving : {});
    // Who told it last may have died before writing that down.
    keeper.touch(0);
  }

  async function sync(
    now: Omit<MembershipInput, 'backends'>,
    signal: AbortSignal,
  ): Promise<SyncedMembers> {
    const synced = await membership.sync({ ...now, backends: presence.backends }, signal);
    if (synced.steps > 0) {
      keeper.touch();
      sight.changed();
    }
    return synced;
  }

  function invalidate(): void {
    presence.invalidate();
    membership.invalidate();
  }

  return {
    get running() {
      return presence.running;
    },
    get lastPid() {
      return presence.lastPid;
    },
    get backends() {
      return presence.backends;
    },
    find,
    sync,
    audit: async (signal) => {
      presence.invalidate();
      // One that does not answer is found out about where it is looked for.
      await membership.audit(signal).catch(() => membership.invalidate());
    },
    loaded: async (layout, file, signal) => {
      sight.changed();
      const backends = new Set(layout.parts.map(({ stanza }) => stanza.backendName));
      await presence.loaded(layout.shape, backends, signal);
      membership.loaded(file);
    },
    invalidate,
    dead: presence.dead,
    refresh: sight.refresh,
    seen: sight.latest,
  };
}
