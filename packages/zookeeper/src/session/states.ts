import { createBroadcast } from '@smartstack/daemon';

import type { SessionState } from '../contract.ts';

/** The session's state and its watchers. */
export interface States {
  readonly present: SessionState;
  /** Changes the state; `closed` is final, and the same state again is no change. */
  move(next: SessionState): void;
  values(signal: AbortSignal): AsyncGenerator<SessionState, void>;
}

export function createStates(onChange: (state: SessionState) => void): States {
  const states = createBroadcast<SessionState>('idle');

  return {
    get present() {
      return states.present;
    },
    move(next) {
      if (next === states.present || states.present === 'closed') return;
      states.set(next);
      onChange(next);
      if (next === 'closed') states.end();
    },
    values: states.values,
  };
}
