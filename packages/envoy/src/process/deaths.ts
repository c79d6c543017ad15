import { createEndWatch, isRunning, type Pace, type ProcessId, pause } from '@smartstack/proxy';

import type { Admin } from '../admin/client.ts';
import type { Tracked } from './tracked.ts';

/** How often Envoy is looked at, in milliseconds: with a connection whose end tells at once, and without. */
const watchedInterval = 3_000;
const unwatchedInterval = 300;
/** A process that closed a connection needs this long to be gone, in milliseconds. */
const closingTime = 15;

export interface Watched {
  readonly admin: Admin;
  readonly tracked: Tracked;
  readonly pace: Pace;
  /** Called now and then. */
  bound(): Promise<void>;
}

/** Tells when Envoy ends: the kernel closes a connection to its admin interface at once. */
export interface Deaths {
  /** Yields when it is found dead, once for each, and when a start may be tried again. Ends when aborted. */
  follow(signal: AbortSignal): AsyncGenerator<void, void>;
  /** A start failed, which is to be tried again at a time (`performance.now()`). */
  retry(at: number): void;
}

export function createDeaths({ admin, tracked, pace, bound }: Watched): Deaths {
  const { place } = admin;
  let reported: ProcessId | undefined;
  let next = Number.POSITIVE_INFINITY;
  let changed = new AbortController();

  function isDead(): boolean {
    const { process } = tracked;
    if (!process || process === reported || isRunning(process)) return false;
    reported = process;
    pace.dead();
    return true;
  }

  async function* follow(signal: AbortSignal): AsyncGenerator<void, void> {
    using watch = createEndWatch('path' in place ? place.path : place);
    while (!signal.aborted) {
      if (isDead() || performance.now() >= next) {
        next = Number.POSITIVE_INFINITY;
        yield;
      }
      await bound();
      const closed = await watch.hold();
      const told = closed && !closed.aborted ? [closed] : [];
      const isStarting = tracked.info?.state.endsWith('INITIALIZING');
      if (isStarting) await tracked.look(signal).catch(() => undefined);
      const interval = told.length > 0 && !isStarting ? watchedInterval : unwatchedInterval;
      const wait = Math.max(1, Math.min(interval, next - performance.now()));
      await pause(wait, signal, changed.signal, ...told);
      if (closed?.aborted) await pause(closingTime, signal);
    }
  }

  return {
    follow,
    retry: (at) => {
      next = at;
      changed.abort();
      changed = new AbortController();
    },
  };
}
