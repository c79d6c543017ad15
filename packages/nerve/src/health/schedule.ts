/** First checks are spread over this long at most, so that start-up is quick with any interval. */
const startSpread = 1000;
/** The length of a slot, in milliseconds: starts are rounded up to it, so that one timer starts several checks. */
const slotLength = 20;

/**
 * Where in its interval the nth check starts, from 0 to 1: multiples of the golden ratio lie evenly for
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

/** Runs many tasks at intervals. */
export interface Schedule {
  /**
   * Runs a task whenever it is due, one run at a time, until the signal aborts and the last run has
   * ended; times that pass during a long run are skipped. Rejects when the task does.
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
 * Tasks that are due in the same slot are started by one timer, and a waiting task is one entry of its
 * slot: thousands of waiting checks allocate nothing.
 */
export function createSchedule(): Schedule {
  const slots = new Map<number, Job[]>();
  let armed = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;

  function add(job: Job, due: number): void {
    const slot = Math.ceil(due / slotLength);
    const jobs = slots.get(slot);
    if (jobs) jobs.push(job);
    else slots.set(slot, [job]);
    if (slot < armed) arm(slot);
  }

  function remove(job: Job, due: number): void {
    const slot = Math.ceil(due / slotLength);
    const others = slots.get(slot)?.filter((each) => each !== job) ?? [];
    if (others.length > 0) slots.set(slot, others);
    else slots.delete(slot);
  }

  function arm(slot: number): void {
    armed = slot;
    clearTimeout(timer);
    const wait = Math.ceil(slot * slotLength - performance.now());
    if (slot !== Number.POSITIVE_INFINITY) timer = setTimeout(fire, Math.max(0, wait));
  }

  function fire(): void {
    const now = performance.now() / slotLength;
    let next = Number.POSITIVE_INFINITY;
    const due: Job[] = [];
    for (const [slot, jobs] of slots) {
      if (slot > now) next = Math.min(next, slot);
      else if (slots.delete(slot)) due.push(...jobs);
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
          add(job, start + due);
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
          remove(job, start + due);
          resolve();
        });
        add(job, start + due);
      }),
  };
}
