import { setTimeout as sleep } from 'node:timers/promises';

import { messageOf } from '../error.ts';

/** How long to wait before another try, in milliseconds. */
const patience = 2000;

/**
 * Serves until the signal aborts, and tries again when that fails, as while an earlier process still has
 * the address. `onTrouble` is called with each reason once in a row. Never rejects.
 */
export async function keepServing(
  serve: (signal: AbortSignal) => Promise<void>,
  onTrouble: (reason: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let lastReason = '';
  while (!signal.aborted) {
    try {
      await serve(signal);
    } catch (error) {
      if (signal.aborted) return;
      const reason = messageOf(error);
      if (reason !== lastReason) onTrouble(reason);
      lastReason = reason;
      await sleep(patience, undefined, { signal }).catch(() => {});
    }
  }
}
