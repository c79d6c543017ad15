import { setTimeout as sleep } from 'node:timers/promises';

import { type Log, messageOf, parseSource, readRegularText } from '@smartstack/daemon';

import { pick, togglesSchema } from './resolvers.ts';

export interface ToggleOptions {
  /** The text that says which watcher is to serve. */
  read(signal: AbortSignal): Promise<string>;
  readonly watchers: readonly string[];
  /** How often it is read, in milliseconds. */
  readonly interval: number;
  readonly log: Log;
}

/**
 * Yields the name of the watcher to serve, chosen by weight once for each text. What cannot be read, or
 * names no watcher, changes nothing.
 */
export async function* toggles(
  { read, watchers, interval, log }: ToggleOptions,
  signal: AbortSignal,
): AsyncGenerator<string, void> {
  let known: string | undefined;
  const failures = createFailureLog(log);
  while (!signal.aborted) {
    try {
      const text = await read(signal);
      if (text !== known) {
        const chosen = choose(text, watchers);
        known = text;
        log.info({ watcher: chosen }, 'watcher chosen');
        yield chosen;
      }
      failures.clear();
    } catch (error) {
      if (signal.aborted) return;
      failures.note(messageOf(error));
    }
    await sleep(interval, undefined, { signal }).catch(() => {});
  }
}

/** Logs a failure once for each reason, until a choice succeeds. */
function createFailureLog(log: Log) {
  let last = '';
  return {
    clear: () => {
      last = '';
    },
    note: (reason: string) => {
      if (reason !== last)
        log.warn(
          { reason, fix: 'write the name of one of the watchers there' },
          'cannot choose a watcher; the one before stays',
        );
      last = reason;
    },
  };
}

/** Reads a toggle from a local file. */
export function toggleFile(path: string): ToggleOptions['read'] {
  return (signal) => readRegularText(path, { limit: 1_048_576, signal });
}

function choose(text: string, watchers: readonly string[]): string {
  const weights = togglesSchema.parse(parseSource('toggle', text).value, {
    error: () => 'expected the name of a watcher, or whole numbers by name',
  });
  const chosen = pick(weights, Math.random());
  if (chosen === undefined) throw new Error('all weights are 0');
  if (!watchers.includes(chosen)) throw new Error(`there is no watcher ${chosen}`);
  return chosen;
}
