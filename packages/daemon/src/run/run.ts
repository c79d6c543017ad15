import { setMaxListeners } from 'node:events';

import { messageOf, UserError } from '../error.ts';
import type { Log } from '../logs/log.ts';
import { logWarningsTo } from '../logs/node-warnings.ts';

/** How long shutting down may take by default, in milliseconds. */
export const endDeadline = 10_000;

export interface RunOptions {
  readonly log: Log;
  /** How long shutting down may take before the process exits anyway, in milliseconds; by default `endDeadline`. */
  readonly deadline?: number;
  /** Called on SIGHUP; when absent, nothing is read again and the log says so. */
  onHangup?(): void;
}

/**
 * Runs a daemon until it returns or a signal ends it, then exits the process. SIGTERM and SIGINT abort
 * the signal that `main` gets, a second one exits at once. Exit codes: 0 done, 1 failed or not finished
 * by the deadline, 128 + n when the second signal n cut the shutdown short.
 */
export async function runDaemon(
  main: (signal: AbortSignal) => Promise<void>,
  { log, deadline = endDeadline, onHangup }: RunOptions,
): Promise<never> {
  const root = new AbortController();
  // Every part of a daemon listens to the one signal, each once.
  setMaxListeners(0, root.signal);
  logWarningsTo(log);
  stopOnSignals(root, log, deadline);
  process.on('SIGHUP', () => {
    if (onHangup) onHangup();
    else log.warn('nothing was reloaded: restart to read the configuration');
  });
  process.on('unhandledRejection', (error) => fail(log, error));
  process.on('uncaughtException', (error) => fail(log, error));
  try {
    await main(root.signal);
  } catch (error) {
    if (!root.signal.aborted) fail(log, error);
    if (!isAbort(error, root.signal)) log.error({ err: error }, 'stopped with an error');
  }
  log.info('stopped');
  process.exit(0);
}

/** The first SIGTERM or SIGINT aborts the root, and the second exits. */
function stopOnSignals(root: AbortController, log: Log, deadline: number): void {
  const stop = (name: NodeJS.Signals, number: number) => {
    if (root.signal.aborted) process.exit(128 + number);
    log.info({ signal: name }, 'stopping');
    root.abort(new Error(`stopped by ${name}`));
    setTimeout(() => {
      log.error({ deadline }, 'did not stop in time, exiting anyway');
      process.exit(1);
    }, deadline).unref();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

/** Whether an error only says that the signal was aborted. */
export function isAbort(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError');
}

function fail(log: Log, error: unknown): never {
  if (error instanceof UserError) log.fatal(messageOf(error));
  else log.fatal({ err: error }, 'failed');
  process.exit(1);
}
