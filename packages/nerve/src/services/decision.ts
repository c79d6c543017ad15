import type { Instance } from '@smartstack/registry';

import { weightAfter } from './warmup.ts';

/** All that decides whether and how a service is announced; times in milliseconds of one clock. */
export interface Circumstances {
  readonly instance: Instance;
  readonly state: 'unknown' | 'up' | 'down';
  /** When it was seen to come up after it had been down. */
  readonly cameUpAt?: number | undefined;
  readonly warmup?: number | undefined;
  /** Flapping holds it down until then. */
  readonly heldUntil: number;
  /** An operator keeps it out, until then or for good. */
  readonly downtime?: { readonly reason: string; readonly until?: number } | undefined;
  /** An operator's weight stands instead of the configured one. */
  readonly weight?: number | undefined;
}

/** Whether a service is to be announced, as what, and why (not). */
export interface Presence {
  readonly instance?: Instance;
  readonly reason: 'up' | 'down' | 'not checked yet' | 'flapping' | 'downtime' | 'rate limit';
  /** When this has to be decided anew, although nothing happens. */
  readonly until?: number;
}

/** Decides; leaving is never delayed. */
export function decidePresence(circumstances: Circumstances, now: number): Presence {
  const { downtime, state, heldUntil } = circumstances;
  if (downtime && (downtime.until === undefined || downtime.until > now))
    return { reason: 'downtime', ...(downtime.until !== undefined && { until: downtime.until }) };
  if (state === 'unknown') return { reason: 'not checked yet' };
  if (state === 'down') return { reason: 'down' };
  if (heldUntil > now) return { reason: 'flapping', until: heldUntil };
  return { reason: 'up', ...announced(circumstances, now) };
}

function announced(
  { instance, cameUpAt, warmup, weight: own }: Circumstances,
  now: number,
): Pick<Presence, 'instance' | 'until'> {
  const weight = own ?? instance.weight;
  if (weight === undefined) return { instance };
  if (cameUpAt === undefined || warmup === undefined) return { instance: { ...instance, weight } };
  const growing = weightAfter(now - cameUpAt, warmup, weight);
  return {
    instance: { ...instance, weight: growing.weight },
    ...(growing.next !== undefined && { until: now + growing.next }),
  };
}
