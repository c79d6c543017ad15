import { pause } from './pause.ts';

/** Work that is due later, by name; each name has one time. */
export interface Due {
  /** Sets when something is due (`performance.now()`, which setting the clock does not move); the earliest time counts. */
  at(name: string, time: number): void;
  /** Takes the names that are due. */
  collect(): ReadonlySet<string>;
  /** The work that was due is done: `wakes` looks again. */
  attended(): void;
  /** Resolves when something changed here, or the signal aborts. */
  changed(signal: AbortSignal): Promise<void>;
  /** Yields whenever something is due, again after `attended`; ends when aborted. */
  wakes(signal: AbortSignal): AsyncGenerator<void, void>;
}

export function createDue(): Due {
  const times = new Map<string, number>();
  let changed = new AbortController();
  const notify = () => {
    changed.abort(true);
    changed = new AbortController();
  };

  async function* wakes(signal: AbortSignal): AsyncGenerator<void, void> {
    while (!signal.aborted) {
      const next = Math.min(...times.values());
      const watched = changed.signal;
      if (next <= performance.now()) {
        yield;
        // Yields again if the work is not attended to, but not in a tight loop.
        if (!watched.aborted) await pause(1000, signal, watched);
      } else {
        // Timers hold 31 bits; a longer wait looks again.
        await pause(Math.min(Math.max(1, next - performance.now()), 86_400_000), signal, watched);
      }
    }
  }

  return {
    at: (name, time) => {
      const before = times.get(name);
      if (before !== undefined && before <= time) return;
      const soonest = Math.min(...times.values());
      times.set(name, time);
      if (time < soonest) notify();
    },
    collect: () => {
      const now = performance.now();
      const names = [...times].filter(([, time]) => time <= now).map(([name]) => name);
      for (const name of names) times.delete(name);
      return new Set(names);
    },
    attended: notify,
    changed: (signal) => pause(86_400_000, signal, changed.signal),
    wakes,
  };
}
