import type { Desire, Desired } from '../desired/desire.ts';
import type { Layout } from '../render/layout.ts';
import type { WrittenFile } from '../render/written.ts';
import type { Due } from '../time/due.ts';
import type { Sync, Synced } from './sync.ts';
import { targetsOf } from './targets.ts';

/** The members of one HAProxy, at each of its sockets. */
export interface Membership {
  /** Brings in step what changed since it last was, and what has servers to delete by now. */
  sync(now: MembershipInput, signal: AbortSignal): Promise<Synced>;
  /** Everything is to be looked at again. */
  doubt(): void;
  /** HAProxy has just loaded a file. */
  loaded(file: WrittenFile): void;
  /** HAProxy is another one, where an earlier synapse made these leave. */
  adopted(file: WrittenFile, leaving: Readonly<Record<string, readonly string[]>>): void;
}

export interface MembershipInput {
  readonly desired: ReadonlyMap<string, Desired>;
  readonly desire: Desire;
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
  const doubt = () => {
    inStep = new Map();
  };

  async function sync(now: MembershipInput, signal: AbortSignal): Promise<Synced> {
    const wanted = targetsOf({ ...now, inStep, syncs, drainTimeout });
    const results: Synced[] = [];
    if (wanted.length > 0) for (const sync of syncs) results.push(await sync.sync(wanted, signal));
    const unfinished = new Set(results.flatMap((one) => one.unfinished));
    const dues = syncs.map((one) => one.due());
    for (const { service, backend } of wanted) {
      const one = now.desired.get(service);
      if (one && !unfinished.has(service)) inStep.set(service, one);
      else inStep.delete(service);
      const next = Math.min(...dues.map((times) => times.get(backend) ?? Infinity));
      if (next < Infinity) due.at('drain', next);
    }
    if (unfinished.size > 0) due.at('drain', performance.now());
    return {
      steps: results.reduce((sum, { steps }) => sum + steps, 0),
      reload: new Map(results.flatMap(({ reload }) => [...reload])),
      unfinished: [...unfinished],
    };
  }

  return {
    sync,
    doubt,
    loaded: (file) => {
      doubt();
      for (const one of syncs) one.loaded(file);
    },
    adopted: (file, leaving) => {
      doubt();
      for (const one of syncs) one.adopted(file, leaving);
    },
  };
}
