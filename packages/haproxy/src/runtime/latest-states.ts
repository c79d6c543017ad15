import { createDeadline, messageOf } from '@smartstack/daemon';

import type { Runtime } from './admin-socket.ts';
import { parseServersState, type ServerState } from './server-state.ts';

/** The servers' states by backend that HAProxy said at one time, or why it did not. */
export interface Seen {
  /** On `Date.now()`'s clock. */
  readonly at: number;
  readonly states: ReadonlyMap<string, readonly ServerState[]> | undefined;
  readonly reason?: string;
}

/** The states that `status` shows: HAProxy is asked for them only when someone asks for the status. */
export interface LatestStates {
  /** Asks HAProxy, unless it was asked within the last second and not changed since; never rejects. */
  refresh(signal: AbortSignal): Promise<void>;
  /** A command changed something: the next `refresh` asks again, even within the second. */
  changed(): void;
  /** What it said last; undefined once that is old. */
  latest(): Seen | undefined;
}

const patience = 2_000;
const fresh = 1_000;
const old = 5_000;

export function createLatestStates(runtime: Runtime | undefined): LatestStates {
  let seen: Seen | undefined;
  let lastChange = 0;
  let asking: Promise<Seen> | undefined;
  return {
    refresh: async (signal) => {
      if (!runtime) return;
      if (seen && seen.at > lastChange && Date.now() - seen.at < fresh) return;
      asking ??= ask(runtime, signal).finally(() => {
        asking = undefined;
      });
      seen = await asking;
    },
    changed: () => {
      lastChange = Date.now();
    },
    latest: () => (seen && Date.now() - seen.at < old ? seen : undefined),
  };
}

async function ask(runtime: Runtime, signal: AbortSignal): Promise<Seen> {
  using deadline = createDeadline(patience, signal);
  const at = Date.now();
  try {
    const [text = ''] = await runtime.ask(['show servers state'], deadline.signal);
    return { at, states: parseServersState(text) };
  } catch (error) {
    return { at, states: undefined, reason: messageOf(error) };
  }
}
