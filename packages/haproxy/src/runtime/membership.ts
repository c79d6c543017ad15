import type { Due } from '@smartstack/proxy';
import type { Desired, DesiredState } from '../desired/desired.ts';
import type { Layout } from '../render/layout.ts';
import type { WrittenFile } from '../render/written.ts';
import type { Sync, Synced } from './sync.ts';
import { nextLook, targetsOf } from './targets.ts';

/** The members of one HAProxy, at each of its sockets. */
export interface Membership {
  /** Brings in step what changed since it last was, and what is to be looked at by now. */
  sync(now: MembershipInput, signal: AbortSignal): Promise<SyncedMembers>;
  /** Everything is to be looked at again. */
  invalidate(): void;
  /** All that HAProxy has otherwise than when it was last found in step is to be looked at again. */
  audit(signal: AbortSignal): Promise<void>;
  /** HAProxy has just loaded a file. */
  loaded(file: WrittenFile): void;
  /** HAProxy is another one, where an earlier synapse made these leave. */
  adopted(file: WrittenFile, leaving: Readonly<Record<string, readonly string[]>>): void;
}

export interface SyncedMembers extends Synced {
  /** The services that were compared with HAProxy. */
  readonly compared: readonly string[];
}

export interface MembershipInput {
  readonly desired: ReadonlyMap<string, Desired>;
  readonly desire: DesiredState;
  /** What HAProxy runs, where that is known. */
  readonly layout: Layout | undefined;
  readonly backends: ReadonlySet<string>;
}

export interface MembershipOptions {
  readonly syncs: readonly Sync[];
  readonly due: Due;
  /** How long leaving servers may finish their connections, unless their service says otherwise. */
  readonly drainTimeout: number;
}

export function createMembership({ syncs, due, drainTimeout }: MembershipOptions): Membership {
  /** What was last brought in step; a missing service is to be looked at again. */
  let inStep = new Map<string, Desired>();
  const invalidate = () => {
    inStep = new Map();
    for (const one of syncs) one.invalidate();
  };

  async function sync(now: MembershipInput, signal: AbortSignal): Promise<SyncedMembers> {
    const given = { ...now, syncs, drainTimeout };
    const wanted = targetsOf({ ...given, inStep });
    const results: Synced[] = [];
    if (wanted.length > 0) for (const sync of syncs) results.push(await sync.sync(wanted, signal));
    const unfinished = new Set(results.flatMap((one) => one.unfinished));
    for (const { service } of wanted) {
      const one = now.desired.get(service);
      if (one && !unfinished.has(service)) inStep.set(service, one);
      else inStep.delete(service);
    }
    const next = unfinished.size > 0 ? performance.now() : nextLook(given);
    if (next < Infinity) due.at('look', next);
    return {
      steps: results.reduce((sum, { steps }) => sum + steps, 0),
      reload: new Map(results.flatMap(({ reload }) => [...reload])),
      unfinished: [...unfinished],
      compared: wanted.map(({ service }) => service),
    };
  }

  return {
    sync,
    invalidate,
    audit: async (signal) => {
      await Promise.all(syncs.map((one) => one.audit(signal)));
    },
    loaded: (file) => {
      invalidate();
      for (const one of syncs) one.loaded(file);
    },
    adopted: (file, leaving) => {
      invalidate();
      for (const one of syncs) one.adopted(file, leaving);
    },
  };
}
