import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long work may hold the event loop in one go, in milliseconds. */
const longest = 10;

/** Lets long work yield to the event loop every few milliseconds. */
export interface TimeSlice {
  /** Whether it is time to yield; asked between any two pieces of the work. */
  readonly isOver: boolean;
  /** Yields: resolves in the event loop's next turn, with a new slice. */
  yield(): Promise<void>;
}

export function createTimeSlice(): TimeSlice {
  let since = performance.now();
  return {
    get isOver() {
      return performance.now() - since >= longest;
    },
    async yield() {
      await nextTurn();
      since = performance.now();
    },
  };
}
