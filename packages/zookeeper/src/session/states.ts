import { createLatest, type Latest } from '@smartstack/daemon';

import type { SessionState } from '../contract.ts';

/** The session's state and its watchers. */
export interface States {
  readonly present: SessionState;
  /** Changes the state; `closed` is final, and the same state again is no change. */
  move(next: SessionState): void;
  values(signal: AbortSignal): AsyncGenerator<SessionState, void>;
}

export function createStates(onChange: (state: SessionState) => void): States {
  const readers = new Set<Latest<SessionState>>();
  let present: SessionState = 'idle';

  return {
    get present() {
      return present;
    },
    move(next) {
      if (next === present || present === 'closed') return;
      present = next;
      onChange(next);
      for (const reader of readers) {
        reader.set(next);
        if (next === 'closed') reader.end();
      }
    },
    values: (signal) => follow(readers, () => present, signal),
  };
}

/** Yields the present state, then the newest as it changes; `closed` is the last. */
async function* follow(
  readers: Set<Latest<SessionState>>,
  present: () => SessionState,
  signal: AbortSignal,
): AsyncGenerator<SessionState, void> {
  const latest = createLatest<SessionState>();
  latest.set(present());
  if (present() === 'closed') latest.end();
  readers.add(latest);
  try {
    yield* latest.values(signal);
  } finally {
    readers.delete(latest);
  }
}
