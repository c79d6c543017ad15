/** First checks are spread over this long at most, so that start-up is quick with any interval. */
const startSpread = 1000;
/** Starts are rounded up to this grid: one wake-up for a few checks instead of one for each. */
const grain = 20;

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

/** One clock for many tasks. */
export interface Schedule {
  /**
   * Runs a task whenever it is due, one run at a time, until the signal aborts and the last run has
   * ended; times that a long run let pass are skipped. Rejects when the task does.
   */
  every(
    interval: number,
    phase: number,
    task: () => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
}

interface Job {
  run(): void;
}

/**
 * Tasks that are due within the same moment are started by one timer, and one that waits holds nothing
 * but its place: thousands of waiting checks make no garbage.
 */
export function createSchedule(): Schedule {
  const moments = new Map<number, Job[]>();
  let armed = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;

  function put(job: Job, due: number): void {
    const moment = Math.ceil(due / grain);
    const jobs = moments.get(moment);
    if (jobs) jobs.push(job);
    else moments.set(moment, [job]);
    if (moment < armed) arm(moment);
  }

  function take(job: Job, due: number): void {
    const moment = Math.ceil(due / grain);
    const others = moments.get(moment)?.filter((each) => each !== job) ?? [];
    if (others.length > 0) moments.set(moment, others);
    else moments.delete(moment);
  }

  function arm(moment: number): void {
    armed = moment;
    clearTimeout(timer);
    const wait = Math.ceil(moment * grain - performance.now());
    if (moment !== Number.POSITIVE_INFINITY) timer = setTimeout(fire, Math.max(0, wait));
  }

  function fire(): void {
    const now = performance.now() / grain;
    let next = Number.POSITIVE_INFINITY;
    const due: Job[] = [];
    for (const [moment, jobs] of moments) {
      if (moment > now) next = Math.min(next, moment);
      else if (moments.delete(moment)) due.push(...jobs);
    }
    arm(next);
    for (const job of due) job.run();
  }

  return {
    every: (interval, phase, task, signal) =>
      new Promise((resolve, reject) => {
        const start = performance.now();
        let due = firstDelay(interval, phase);
        let running = false;
        const wait = () => {
          running = false;
          if (signal.aborted) return resolve();
          due = nextDue(interval, phase, due, performance.now() - start);
          put(job, start + due);
        };
        const job = {
          run: () => {
            if (signal.aborted) return;
            running = true;
            task().then(wait, reject);
          },
        };
        if (signal.aborted) return resolve();
        signal.addEventListener('abort', () => {
          if (running) return;
          take(job, start + due);
          resolve();
        });
        put(job, start + due);
      }),
  };
}
