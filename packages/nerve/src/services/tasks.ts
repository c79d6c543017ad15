import { once, setMaxListeners } from 'node:events';

type Task = (signal: AbortSignal) => Promise<void>;

/** Runs tasks side by side until all have ended; the first that rejects aborts the others, and its error is thrown. */
export async function runTogether(tasks: readonly Task[], signal: AbortSignal): Promise<void> {
  const scope = new AbortController();
  setMaxListeners(0, scope.signal);
  const stop = () => scope.abort(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop);
  try {
    const running = tasks.map(async (task) => {
      try {
        await task(scope.signal);
      } catch (error) {
        scope.abort(error);
        throw error;
      }
    });
    await Promise.allSettled(running);
    await Promise.all(running);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Resolves when the signal aborts. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
