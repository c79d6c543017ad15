import { setTimeout as sleep } from 'node:timers/promises';

export interface BackoffLimits {
  /** The first delay's upper bound, in milliseconds. */
  readonly base: number;
  /** No delay is longer than this, in milliseconds. */
  readonly max: number;
}

export interface Backoff {
  /** Waits for the next delay, which is longer on average each time; rejects when the signal aborts. */
  wait(signal: AbortSignal): Promise<void>;
  /** Starts over with the first delay. */
  reset(): void;
}

/** The nth delay (n from 0) with equal jitter: at least half of `base * 2^n`, at most all of it. */
export function delayOf(attempt: number, limits: BackoffLimits, random = Math.random()): number {
  const ceiling = Math.min(limits.max, limits.base * 2 ** Math.min(attempt, 30));
  return ceiling / 2 + (ceiling / 2) * random;
}

/** Exponential back-off with jitter, so that a fleet that failed together does not return together. */
export function createBackoff(limits: BackoffLimits): Backoff {
  let attempt = 0;
  return {
    wait: (signal) => sleep(delayOf(attempt++, limits), undefined, { signal }),
    reset: () => {
      attempt = 0;
    },
  };
}
