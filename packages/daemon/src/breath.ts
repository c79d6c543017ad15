import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long work may hold the event loop in one go, in milliseconds. */
const longest = 10;

/**
 * Gives the event loop its turn where long work calls it, between two pieces, whenever the last turn
 * is some milliseconds ago; else it costs next to nothing.
 */
export function createBreath(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < longest) return;
    await nextTurn();
    since = performance.now();
  };
}
