import { messageOf } from '@smartstack/daemon';

import type { Check } from './checks/check.ts';

/** What one run of a check gave. */
export interface Result {
  readonly passed: boolean;
  /** Why it failed. */
  readonly reason?: string;
}

const pass: Result = { passed: true };

/** Runs a check once under its deadline, in milliseconds; a failure is a result, not an error. */
export async function probe(check: Check, timeout: number, signal: AbortSignal): Promise<Result> {
  const deadline = new AbortController();
  const timer = setTimeout(
    () => deadline.abort(new Error(`no answer within ${timeout} ms`)),
    timeout,
  );
  const stop = () => deadline.abort(signal.reason);
  signal.addEventListener('abort', stop);
  try {
    await check.run(deadline.signal);
    return pass;
  } catch (error) {
    return { passed: false, reason: messageOf(error) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}
