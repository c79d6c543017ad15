import { pause } from './pause.ts';

/** What is to be done later, by name and time; each name has one time. */
export interface Due {
  /** Asks to be woken at a time (`performance.now()`: whoever sets the clock changes nothing), or earlier if it was asked for earlier. */
  at(name: string, time: number): void;
  /** The names whose time has come, which are forgotten with that. */
  collect(): ReadonlySet<string>;
  /** Says that whatever was due was attended to: `wakes` looks again. */
  attended(): void;
  /** Resolves when something changed here, or the signal aborts. */
  changed(signal: AbortSignal): Promise<void>;
  /** Yields when something is due and attended to no sooner than it is asked for again; ends when aborted. */
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
        // Whoever was woken attends to it; unless that happens, ask again, but not in a tight loop.
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
