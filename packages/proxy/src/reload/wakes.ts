import { keepRunning, type Log, messageOf } from '@smartstack/daemon';

import type { Due } from './due.ts';

/**
 * Yields whenever something is due until aborted, while these parts run beside it. A part that fails is run
 * again, and holds up neither the others nor what is due.
 */
export async function* wakesBeside(
  due: Pick<Due, 'wakes'>,
  parts: Readonly<Record<string, (signal: AbortSignal) => Promise<void>>>,
  log: Log,
  signal: AbortSignal,
): AsyncGenerator<void, void> {
  const own = new AbortController();
  const both = AbortSignal.any([signal, own.signal]);
  const running = Object.entries(parts).map(([part, task]) =>
    keepRunning(async (each) => task(each), failureLog(part, log), both),
  );
  try {
    yield* due.wakes(both);
  } finally {
    own.abort();
    await Promise.all(running);
  }
}

/** Logs a part's failures, each once in a row. */
function failureLog(part: string, log: Log): (error: unknown) => void {
  let last = '';
  return (error) => {
    const reason = messageOf(error);
    if (reason !== last)
      log.error({ part, err: error, fix: 'it is tried again' }, 'cannot watch the proxy');
    last = reason;
  };
}
