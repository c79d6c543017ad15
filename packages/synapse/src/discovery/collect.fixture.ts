import type { Instance } from '@smartstack/registry';
import { onTestFinished } from 'vitest';

import type { Discovery } from './discovery.ts';

/** A discovery that a test follows: every list that came, and the end of it all. */
export interface Collected {
  readonly lists: (readonly Instance[])[];
  /** Members of the newest list, as `name host:port`. */
  newest(): readonly string[] | undefined;
  stop(): Promise<void>;
}

/** Follows a discovery until the test's end; among tests that run side by side, whose end must be said. */
export function collect(discovery: Discovery, atEnd = onTestFinished): Collected {
  const ended = new AbortController();
  const lists: (readonly Instance[])[] = [];
  const done = (async () => {
    for await (const list of discovery(ended.signal)) lists.push(list);
  })();
  done.catch(() => {});
  const collected: Collected = {
    lists,
    newest: () => lists.at(-1)?.map(({ name, host, port }) => `${name ?? ''} ${host}:${port}`),
    stop: async () => {
      ended.abort();
      await done;
    },
  };
  atEnd(collected.stop);
  return collected;
}
