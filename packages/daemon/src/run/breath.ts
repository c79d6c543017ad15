import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long work may hold the event loop in one go, in milliseconds. */
const longest = 10;

/** Where long work gives the event loop its turn. */
export interface Breath {
  /** Whether the last turn is some milliseconds ago; asked between any two pieces. */
  readonly isDue: boolean;
  /** Resolves after the turn. */
  take(): Promise<void>;
}

export function createBreath(): Breath {
  let since = performance.now();
  return {
    get isDue() {
      return performance.now() - since >= longest;
    },
    async take() {
      await nextTurn();
      since = performance.now();
    },
  };
}
