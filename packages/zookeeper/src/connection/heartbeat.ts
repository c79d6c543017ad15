import { setImmediate as drained, setTimeout as sleep } from 'node:timers/promises';

export interface Pulse {
  /** The session timeout that the server granted, in milliseconds. */
  readonly timeout: number;
  /** When the last byte came in, on `performance.now()`'s clock. */
  lastInbound(): number;
  ping(): void;
}

/**
 * Pings every third of the session timeout, whatever else flows. Resolves as soon as two thirds of it
 * passed without a byte from the server, or when the signal aborts.
 *
 * When this process itself was stopped or busy, silence proves nothing: what waits in the socket is
 * read first, and the server then gets another third to answer a ping.
 */
export async function untilSilent(pulse: Pulse, signal: AbortSignal): Promise<void> {
  const third = pulse.timeout / 3;
  let nextPing = performance.now() + third;
  let grace = 0;

  while (!signal.aborted) {
    const due = Math.min(nextPing, Math.max(pulse.lastInbound() + 2 * third, grace));
    await sleep(Math.max(1, due - performance.now()), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;

    const late = performance.now() - due > third / 2;
    if (late) {
      await drained();
      await drained();
      grace = performance.now() + third;
    }
    const now = performance.now();
    if (now >= nextPing || late) {
      pulse.ping();
      nextPing = now + third;
    }
    if (now >= pulse.lastInbound() + 2 * third && now >= grace) return;
  }
}
