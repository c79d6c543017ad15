import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Does work and tells the longest time that it held the event loop in one go, in milliseconds: CPU time
 * of the main thread, so that what else the machine does counts for nothing.
 */
export async function longestHold(work: () => Promise<unknown>): Promise<number> {
  const ended = new AbortController();
  const watching = watch(ended.signal);
  try {
    await work();
  } finally {
    ended.abort();
  }
  return watching;
}

async function watch(signal: AbortSignal): Promise<number> {
  let longest = 0;
  let before = mainThread();
  while (!signal.aborted) {
    await nextTurn();
    const now = mainThread();
    longest = Math.max(longest, now - before);
    before = now;
  }
  return longest;
}

/** See https://docs.kernel.org/scheduler/sched-stats.html: nanoseconds on the CPU. */
const mainThread = () => Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[0]) / 1e6;
