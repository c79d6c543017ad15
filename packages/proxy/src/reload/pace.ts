/** When a proxy may be reloaded, or started again. Changes of members do not wait for it. */
export interface Pace {
  /** The earliest time for a reload (`performance.now()`). */
  readonly next: number;
  /** A reload or a start is being tried. */
  trying(isStart: boolean): void;
  succeeded(): void;
  /** The proxy died: it may be started at once the first time, later and later when it keeps dying. */
  dead(): void;
}

export interface PaceOptions {
  /** At least so long between two reloads, in milliseconds. */
  readonly interval: number;
  /** A share of the interval that is added at random, so that a fleet does not reload at once. */
  readonly jitter: number;
}

const startBase = 250;
const startMax = 30_000;
const failedMax = 60_000;
/** A proxy that lived this long did not die of its start, in milliseconds. */
const longLife = 60_000;

/** The first reload waits for nothing; one that failed is not tried again as soon as one that went well. */
export function createPace(options: () => PaceOptions): Pace {
  let next = 0;
  let failures = 0;
  let starts = 0;
  let lastStart = 0;
  return {
    get next() {
      return next;
    },
    trying: (isStart) => {
      const now = performance.now();
      const { interval, jitter } = options();
      const wait = Math.min(failedMax, interval * 2 ** Math.min(failures, 10));
      failures += 1;
      next = now + wait * (1 + jitter * Math.random());
      if (!isStart) return;
      starts = now - lastStart > longLife ? 1 : starts + 1;
      lastStart = now;
    },
    succeeded: () => {
      failures = 0;
    },
    dead: () => {
      const wait = Math.min(startMax, startBase * 2 ** Math.min(starts, 10));
      next = starts < 2 ? 0 : lastStart + wait;
    },
  };
}
