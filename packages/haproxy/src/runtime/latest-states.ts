import { createDeadline, messageOf } from '@smartstack/daemon';

import type { Ejection } from '@smartstack/proxy';
import type { Runtime } from './admin-socket.ts';
import { parseServersState, type ServerState } from './server-state.ts';
import { type EjectTimes, parseStatistics } from './statistics.ts';

/** The servers' states by backend that HAProxy said at one time, or why it did not. */
export interface Seen {
  /** On `Date.now()`'s clock. */
  readonly at: number;
  readonly states: ReadonlyMap<string, readonly ServerState[]> | undefined;
  readonly reason?: string;
  /** Its servers that failed too much, by backend and name. */
  readonly ejected?: Ejected;
}

export type Ejected = ReadonlyMap<string, ReadonlyMap<string, Ejection>>;

/** The states that `status` shows: HAProxy is asked for them only when someone asks for the status. */
export interface LatestStates {
  /**
   * Asks HAProxy, unless it was asked within the last second and not changed since; never rejects. Of the
   * backends that eject servers, those that have one down are asked why.
   */
  refresh(signal: AbortSignal, ejectTimes?: EjectTimes): Promise<void>;
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
    refresh: async (signal, ejectTimes = new Map()) => {
      if (!runtime) return;
      if (seen && seen.at > lastChange && Date.now() - seen.at < fresh) return;
      asking ??= ask(runtime, ejectTimes, signal).finally(() => {
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

async function ask(runtime: Runtime, ejectTimes: EjectTimes, signal: AbortSignal): Promise<Seen> {
  using deadline = createDeadline(patience, signal);
  const at = Date.now();
  try {
    const [text = ''] = await runtime.ask(['show servers state'], deadline.signal);
    const states = parseServersState(text);
    return { at, states, ejected: await ejectedOf(runtime, states, ejectTimes, deadline.signal) };
  } catch (error) {
    return { at, states: undefined, reason: messageOf(error) };
  }
}

async function ejectedOf(
  runtime: Runtime,
  states: NonNullable<Seen['states']>,
  ejectTimes: EjectTimes,
  signal: AbortSignal,
): Promise<Ejected> {
  // By number: a frontend may have the same name, and would be meant.
  const hit = [...ejectTimes.keys()].flatMap((backend) => {
    const stopped = states.get(backend)?.find(({ operational }) => operational === 'stopped');
    return stopped?.backendId ?? [];
  });
  if (hit.length === 0) return new Map();
  const answers = await runtime.ask(
    hit.map((id) => `show stat ${id} 6 -1`),
    signal,
  );
  const all = answers.flatMap((text) => [...parseStatistics(text, Date.now(), ejectTimes)]);
  return new Map(
    all.map(([backend, { servers }]) => [
      backend,
      new Map([...servers].flatMap(([name, { ejected }]) => (ejected ? [[name, ejected]] : []))),
    ]),
  );
}
