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
  let complaint = '';
  while (!signal.aborted) {
    try {
      const text = await read(signal);
      if (text !== known) {
        const chosen = choose(text, watchers);
        known = text;
        log.info({ watcher: chosen }, 'watcher chosen');
        yield chosen;
      }
      complaint = '';
    } catch (error) {
      if (signal.aborted) return;
      if (complaint !== messageOf(error))
        log.warn(
          { reason: messageOf(error), fix: 'write the name of one of the watchers there' },
          'cannot choose a watcher; the one before stays',
        );
      complaint = messageOf(error);
    }
    await sleep(interval, undefined, { signal }).catch(() => {});
  }
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
