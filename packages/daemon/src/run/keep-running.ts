import { createBackoff } from './backoff.ts';
import { isAbort } from './run.ts';

const limits = { base: 1_000, max: 30_000 };

/**
 * Runs a task until it ends or the signal aborts. A failed task is run again with back-off, so that one
 * part's failure never ends the others; `onFailure` is called with each error. Never rejects.
 */
export async function keepRunning(
  task: (signal: AbortSignal) => Promise<void>,
  onFailure: (error: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  const backoff = createBackoff(limits);
  while (!signal.aborted) {
    const begin = performance.now();
    try {
      await task(signal);
      return;
    } catch (error) {
      if (isAbort(error, signal)) return;
      onFailure(error);
      if (performance.now() - begin > 2 * limits.max) backoff.reset();
      await backoff.wait(signal).catch(() => {});
    }
  }
}
