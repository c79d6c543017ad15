import { messageOf } from '@smartstack/daemon';

import type { Check } from './checks/check.ts';
import { startDeadline } from './deadline.ts';

/** What one run of a check gave. */
export interface Result {
  readonly passed: boolean;
  /** Why it failed. */
  readonly reason?: string;
}

/** Runs its check once, under its deadline; a failure is a result, not an error. One run at a time. */
export type Probe = () => Promise<Result>;

const pass: Result = { passed: true };

/** A probe whose runs take at most so many milliseconds, and end at once when the signal aborts. */
export function createProbe(check: Check, timeout: number, signal: AbortSignal): Probe {
  // Serves many runs, until one is cut short: a thousand checks a second need not make as many.
  let run = new AbortController();
  const stop = () => run.abort(signal.reason);
  signal.addEventListener('abort', stop);
  const expire = () => run.abort(new Error(`no answer within ${timeout} ms`));

  return async () => {
    if (signal.aborted) return { passed: false, reason: messageOf(signal.reason) };
    if (run.signal.aborted) run = new AbortController();
    const end = startDeadline(timeout, expire);
    try {
      await check.run(run.signal);
      return pass;
    } catch (error) {
      return { passed: false, reason: messageOf(error) };
    } finally {
      end();
    }
  };
}
