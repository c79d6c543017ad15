import { createLatest, duration, type Log, type Metrics } from '@smartstack/daemon';
import { type Instance, keyOf } from '@smartstack/registry';
import { z } from 'zod';

import type { Discovery } from '../discovery.ts';
import { newestOf } from '../newest.ts';

/** When a loss of members is sudden, and for how long it is held back. */
export const shrinkGuardSchema = z.strictObject({
  fraction: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .meta({
      description: 'a loss of more than this share of the members in one step is sudden',
      examples: [0.3],
    }),
  min_members: z
    .int()
    .min(1)
    .default(5)
    .meta({ description: 'services with fewer members are not guarded', examples: [3] }),
  hold: duration.prefault(60).meta({
    description: 'how long a sudden loss is held back, unless the members are back before',
    examples: ['5m'],
  }),
});

export type ShrinkGuardPolicy = z.output<typeof shrinkGuardSchema>;

/** A loss that is held back. */
export interface Held {
  /** Members that are served although they are no longer announced. */
  readonly members: readonly Instance[];
  /** When it is accepted after all, in milliseconds since 1970. */
  readonly until: number;
}

/** Guards one service. */
export interface ShrinkGuard {
  guard(discovery: Discovery): Discovery;
  /** What is held back now. */
  held(): Held | undefined;
  /** Accepts the loss at once; false where none is held back. */
  accept(): boolean;
}

export interface ShrinkGuardOptions {
  readonly policy: ShrinkGuardPolicy;
  /** Whether the registry was in trouble just before, so that its lists are in doubt. */
  doubtful(): boolean;
  /** The members of an earlier run, which are served before the first list. */
  readonly saved: readonly Instance[] | undefined;
  readonly service: string;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The members that a new list has lost, if that is a sudden loss; else none. */
export function suddenLoss(
  served: readonly Instance[],
  listed: readonly Instance[],
  { fraction, min_members: least }: ShrinkGuardPolicy,
): readonly Instance[] {
  if (served.length < least) return [];
  const same = new Set(listed);
  const missing = served.filter((instance) => !same.has(instance));
  if (missing.length <= fraction * served.length) return [];
  const present = new Set(listed.map(keyOf));
  const lost = missing.filter((instance) => !present.has(keyOf(instance)));
  return lost.length > fraction * served.length ? lost : [];
}

/**
 * A guard that goes on serving members that were lost, beside those that are listed: while the registry is
 * in doubt, and no longer than the policy's time from the first such list. New members are served at once.
 */
export function createShrinkGuard(options: ShrinkGuardOptions): ShrinkGuard {
  const { policy, doubtful, service, log, metrics } = options;
  const holding = metrics.gauge({
    name: 'synapse_shrink_guard_held',
    help: 'Members that are served although they are no longer announced',
    labels: ['service'],
  });
  let held: Held | undefined;
  let recheck = () => {};

  function hold(members: readonly Instance[], until: number): void {
    if (!held)
      log.error(
        {
          lost: members.length,
          until,
          fix: `if they are gone for good: synapse accept ${service}`,
        },
        'sudden loss of members held back',
      );
    held = { members, until };
    holding.set({ service }, members.length);
  }

  function release(reason: string): void {
    if (!held) return;
    log.warn({ reason }, 'loss of members no longer held back');
    held = undefined;
    holding.set({ service }, 0);
  }

  function judge(
    served: readonly Instance[],
    listed: readonly Instance[],
    believe: boolean,
  ): readonly Instance[] {
    const lost = suddenLoss(served, listed, policy);
    if (lost.length === 0) release('members are back');
    else if (believe) release('accepted');
    else if (held && Date.now() >= held.until) release('held long enough');
    else if (held || doubtful()) hold(lost, held?.until ?? Date.now() + policy.hold);
    return held ? [...listed, ...held.members] : listed;
  }

  async function* guarded(
    discovery: Discovery,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Instance[], void> {
    const due = createLatest<void>();
    let served = options.saved ?? [];
    let listed: readonly Instance[] | undefined;
    let believe = false;
    let timer: NodeJS.Timeout | undefined;
    const follow = (own: AbortSignal) =>
      feed(discovery(own), due, (list) => {
        listed = list;
      });
    recheck = () => {
      believe = true;
      due.set();
    };
    try {
      for await (const _ of newestOf(due, follow, signal)) {
        if (!listed) continue;
        clearTimeout(timer);
        served = judge(served, listed, believe);
        believe = false;
        if (held) timer = setTimeout(due.set, Math.max(0, held.until - Date.now()));
        yield served;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    guard: (discovery) => (signal) => guarded(discovery, signal),
    held: () => held,
    accept: () => {
      const holds = held !== undefined;
      if (holds) recheck();
      return holds;
    },
  };
}

async function feed(
  lists: AsyncIterable<readonly Instance[]>,
  due: ReturnType<typeof createLatest<void>>,
  take: (list: readonly Instance[]) => void,
): Promise<void> {
  for await (const list of lists) {
    take(list);
    due.set();
  }
  due.end();
}
