import { createDeadline, messageOf } from '@smartstack/daemon';

import type { Ejection } from '@smartstack/proxy';
import type { Runtime } from './admin-socket.ts';
import { parseServersState, type ServerState } from './server-state.ts';
import { type EjectTimes, parseStatistics } from './statistics.ts';

/** HAProxy's servers by backend as it said at a moment, or why it did not. */
export interface Seen {
  /** On `Date.now()`'s clock. */
  readonly at: number;
  readonly states: ReadonlyMap<string, readonly ServerState[]> | undefined;
  readonly reason?: string;
  /** Its servers that failed too much, by backend and name. */
  readonly ejected?: Ejected;
}

export type Ejected = ReadonlyMap<string, ReadonlyMap<string, Ejection>>;

/** For whoever looks at the status: HAProxy is asked then, and not while nobody looks. */
export interface LatestStates {
  /**
   * Asks HAProxy, unless it was asked within the last second and not changed since; never rejects. Of the
   * backends that eject servers, those are asked why that have one down.
   */
  refresh(signal: AbortSignal, ejectTimes?: EjectTimes): Promise<void>;
  /** Something was changed: what HAProxy said before is not shown for a whole second more. */
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
  let asking: Promise<void> | undefined;

  async function ask(one: Runtime, ejectTimes: EjectTimes, signal: AbortSignal): Promise<void> {
    using deadline = createDeadline(patience, signal);
    const at = Date.now();
    try {
      const [text = ''] = await one.ask(['show servers state'], deadline.signal);
      const states = parseServersState(text);
      seen = { at, states, ejected: await ejectedOf(one, states, ejectTimes, deadline.signal) };
    } catch (error) {
      seen = { at, states: undefined, reason: messageOf(error) };
    }
  }

  return {
    refresh: async (signal, ejectTimes = new Map()) => {
      if (!runtime) return;
      if (seen && seen.at > lastChange && Date.now() - seen.at < fresh) return;
      asking ??= ask(runtime, ejectTimes, signal).finally(() => {
        asking = undefined;
      });
      await asking;
    },
    changed: () => {
      lastChange = Date.now();
    },
    latest: () => (seen && Date.now() - seen.at < old ? seen : undefined),
  };
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
