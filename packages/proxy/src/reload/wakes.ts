import { keepRunning, type Log, messageOf } from '@smartstack/daemon';

import type { Due } from './due.ts';

/**
 * Yields whatever is due until aborted, while these parts go on beside it. One that fails is run again and
 * holds up neither the others nor what is due.
 */
export async function* wakesBeside(
  due: Pick<Due, 'wakes'>,
  parts: Readonly<Record<string, (signal: AbortSignal) => Promise<void>>>,
  log: Log,
  signal: AbortSignal,
): AsyncGenerator<void, void> {
  const own = new AbortController();
  const both = AbortSignal.any([signal, own.signal]);
  const running = Object.entries(parts).map(([part, task]) => {
    let complaint = '';
    const failed = (error: unknown) => {
      const reason = messageOf(error);
      if (reason !== complaint)
        log.error({ part, err: error, fix: 'it is tried again' }, 'cannot watch the proxy');
      complaint = reason;
    };
    return keepRunning(async (each) => task(each), failed, both);
  });
  try {
    yield* due.wakes(both);
  } finally {
    own.abort();
    await Promise.all(running);
  }
}
