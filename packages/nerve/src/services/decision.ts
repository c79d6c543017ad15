import type { Instance } from '@smartstack/registry';

import { weightAfter } from './warmup.ts';

/** What decides whether and how a service is announced; times in milliseconds of one clock. */
export interface DecisionInput {
  readonly instance: Instance;
  readonly state: 'unknown' | 'up' | 'down';
  /** When it came up after it had been down. */
  readonly cameUpAt?: number | undefined;
  readonly warmup?: number | undefined;
  /** Flapping holds it down until then. */
  readonly heldUntil: number;
  /** An operator's downtime, until then or without an end. */
  readonly downtime?: { readonly reason: string; readonly until?: number } | undefined;
  /** An operator's weight, which replaces the configured one. */
  readonly weight?: number | undefined;
}

/** Whether a service is to be announced, as which instance, and why (not). */
export interface Decision {
  readonly instance?: Instance;
  readonly reason: 'up' | 'down' | 'not checked yet' | 'flapping' | 'downtime' | 'rate limit';
  /** When to decide again although nothing else has changed. */
  readonly until?: number;
}

/** Decides whether a service is announced now; a withdrawal is never delayed. */
export function decide(input: DecisionInput, now: number): Decision {
  const { downtime, state, heldUntil } = input;
  if (downtime && (downtime.until === undefined || downtime.until > now))
    return { reason: 'downtime', ...(downtime.until !== undefined && { until: downtime.until }) };
  if (state === 'unknown') return { reason: 'not checked yet' };
  if (state === 'down') return { reason: 'down' };
  if (heldUntil > now) return { reason: 'flapping', until: heldUntil };
  return { reason: 'up', ...announced(input, now) };
}

function announced(
  { instance, cameUpAt, warmup, weight: own }: DecisionInput,
  now: number,
): Pick<Decision, 'instance' | 'until'> {
  const weight = own ?? instance.weight;
  if (weight === undefined) return { instance };
  if (cameUpAt === undefined || warmup === undefined) return { instance: { ...instance, weight } };
  const growing = weightAfter(now - cameUpAt, warmup, weight);
  return {
    instance: { ...instance, weight: growing.weight },
    ...(growing.next !== undefined && { until: now + growing.next }),
  };
}
