/** Bounds how fast something may go on: so many at once, and so many in each second after. */
export interface Pace {
  /** Counts one; answers for how long to pause before the next, in milliseconds. */
  count(now: number): number;
}

/** A pause shorter than this is not worth a timer, in milliseconds. */
const shortest = 20;

export function createPace(burst: number, perSecond: number): Pace {
  let left = burst;
  let last: number | undefined;
  return {
    count: (now) => {
      left = Math.min(burst, left + ((now - (last ?? now)) / 1_000) * perSecond) - 1;
      last = now;
      return left >= 0 ? 0 : Math.max(shortest, (-left / perSecond) * 1_000);
    },
  };
}
