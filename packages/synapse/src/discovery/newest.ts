import type { Latest } from '@smartstack/daemon';

/**
 * Yields the newest value of a slot whenever there is one, while a task that fills it runs beside. Both end
 * together; a task that fails ends the iteration with its error.
 */
export async function* newestOf<T>(
  slot: Latest<T>,
  task: (signal: AbortSignal) => Promise<unknown>,
  outer: AbortSignal,
): AsyncGenerator<T, void> {
  const ended = new AbortController();
  const signal = AbortSignal.any([outer, ended.signal]);
  const running = task(signal).catch((error: unknown) => {
    slot.end();
    throw error;
  });
  // A failure before it is awaited below is no unhandled rejection.
  running.catch(() => {});
  try {
    yield* slot.values(signal);
  } finally {
    ended.abort();
    await running;
  }
}
