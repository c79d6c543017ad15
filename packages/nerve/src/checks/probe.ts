import { messageOf } from '@smartstack/daemon';

import type { Check } from './check.ts';
import { startDeadline } from './deadline.ts';

/** What one run of a check gave. */
export interface Result {
  readonly passed: boolean;
  /** Why it failed. */
  readonly reason?: string;
  /** How long it took, in milliseconds. */
  readonly took: number;
}

/** Runs its check once, under its deadline; a failure is a result, not an error. One run at a time. */
export type Probe = () => Promise<Result>;

/** A probe whose runs take at most so many milliseconds, and end at once when the signal aborts. */
export function createProbe(check: Check, timeout: number, signal: AbortSignal): Probe {
  // Serves many runs, until one is cut short: a thousand checks a second need not make as many.
  let run = new AbortController();
  const stop = () => run.abort(signal.reason);
  signal.addEventListener('abort', stop);
  const expire = () => run.abort(new Error(`no answer within ${timeout} ms`));

  return async () => {
    const start = performance.now();
    const ended = (reason?: string): Result => {
      const took = performance.now() - start;
      return reason === undefined ? { passed: true, took } : { passed: false, reason, took };
    };
    if (signal.aborted) return ended(messageOf(signal.reason));
    if (run.signal.aborted) run = new AbortController();
    const end = startDeadline(timeout, expire);
    try {
      await check.run(run.signal);
      return ended();
    } catch (error) {
      return ended(messageOf(error));
    } finally {
      end();
    }
  };
}
