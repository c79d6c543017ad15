import { messageOf } from '@smartstack/daemon';

import type { Check } from './check.ts';
import { startDeadline } from './deadline.ts';

/** The result of one run of a check. */
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
  // One controller serves many runs, until one is aborted: a thousand checks a second need no new one each.
  let run = new AbortController();
  const stop = () => run.abort(signal.reason);
  signal.addEventListener('abort', stop);
  const expire = () => run.abort(new Error(`no answer within ${timeout} ms`));

  return async () => {
    const start = performance.now();
    if (signal.aborted) return failed(start, signal.reason);
    if (run.signal.aborted) run = new AbortController();
    const end = startDeadline(timeout, expire);
    try {
      await check.run(run.signal);
      return { passed: true, took: performance.now() - start };
    } catch (error) {
      return failed(start, error);
    } finally {
      end();
    }
  };
}

function failed(start: number, error: unknown): Result {
  return { passed: false, reason: messageOf(error), took: performance.now() - start };
}
