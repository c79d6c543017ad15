import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** Lets so many tasks run at a time; the others wait in their order. */
export type InTurn = <T>(task: () => Promise<T>, signal: AbortSignal) => Promise<T>;

export function createTurns(most: number): InTurn {
  let running = 0;
  const waiting = new Set<() => void>();

  async function enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (running < most) {
      running += 1;
      return;
    }
    const done = new AbortController();
    let isMine = false;
    let take = () => {};
    const turn = new Promise<void>((resolve) => {
      take = () => {
        isMine = true;
        resolve();
      };
    });
    waiting.add(take);
    try {
      await Promise.race([turn, once(signal, 'abort', { signal: done.signal }).catch(() => {})]);
    } finally {
      done.abort();
      waiting.delete(take);
    }
    if (!signal.aborted) return;
    if (isMine) leave();
    signal.throwIfAborted();
  }

  /** The turn goes to the next, or is free. */
  function leave(): void {
    const [next] = waiting;
    if (!next) {
      running -= 1;
      return;
    }
    waiting.delete(next);
    next();
  }

  return async (task, signal) => {
    await enter(signal);
    try {
      return await task();
    } finally {
      leave();
    }
  };
}

/**
 * Lets so many through at once, and then one each `interval` milliseconds: what happens alone waits for nothing, and what
 * happens all the time happens now and then.
 */
export function createPace(
  burst: number,
  interval: number,
): (signal: AbortSignal) => Promise<void> {
  let credit = burst;
  let counted = performance.now();
  return async (signal) => {
    const now = performance.now();
    credit = Math.min(burst, credit + (now - counted) / interval) - 1;
    counted = now;
    if (credit < 0) await sleep(-credit * interval, undefined, { signal });
  };
}

/** So many blocking queries may stand at a time; one is had for as long as a service is followed. */
export function createSlots(most: number) {
  let taken = 0;
  return {
    /** Whether there was one left. */
    take: (): boolean => {
      if (taken >= most) return false;
      taken += 1;
      return true;
    },
    release: (): void => {
      taken -= 1;
    },
  };
}

export type Slots = ReturnType<typeof createSlots>;
