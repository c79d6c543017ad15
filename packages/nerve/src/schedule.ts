/** First checks are spread over this long at most, so that start-up is quick with any interval. */
const startSpread = 1000;
/** Starts are rounded up to this grid: one wake-up for a few checks instead of one for each. */
const grain = 10;

/**
 * Where in its interval the nth check stands, from 0 to 1: multiples of the golden ratio lie evenly for
 * any number of checks, so that they never fire together, and the first is at 0.
 */
export function phaseOf(index: number): number {
  return (index * 0.618_033_988_749_895) % 1;
}

/** How long after the start the first check is due, in milliseconds. */
export function firstDelay(interval: number, phase: number): number {
  return phase * Math.min(interval, startSpread);
}

/**
 * When the next check is due, on the grid `phase * interval + n * interval`, given when the last one
 * was due and what time it is, all in milliseconds since the start; times that have passed are skipped.
 */
export function nextDue(interval: number, phase: number, last: number, now: number): number {
  const origin = phase * interval;
  const afterLast = Math.floor((last - origin) / interval + 1.000_001);
  return origin + interval * Math.max(0, afterLast, Math.ceil((now - origin) / interval));
}

/**
 * Runs a task whenever it is due, one run at a time, until the signal aborts; times that a long run let
 * pass are skipped. Rejects when the task does.
 */
export async function every(
  interval: number,
  phase: number,
  task: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const alarm = createAlarm(signal);
  const start = performance.now();
  let due = firstDelay(interval, phase);
  while (await alarm(start + due)) {
    await task();
    due = nextDue(interval, phase, due, performance.now() - start);
  }
}

/** Waits until a time, again and again with one listener: true when it came, false once aborted. */
function createAlarm(signal: AbortSignal): (until: number) => Promise<boolean> {
  let stop = () => {};
  signal.addEventListener('abort', () => stop());
  return (until) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve(false);
      const wait = Math.ceil(until / grain) * grain - performance.now();
      const timer = setTimeout(resolve, Math.max(0, Math.ceil(wait)), true);
      stop = () => {
        clearTimeout(timer);
        resolve(false);
      };
    });
}
