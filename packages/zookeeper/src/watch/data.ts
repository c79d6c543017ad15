import { createBackoff, createLatest, messageOf } from '@smartstack/daemon';

import { endWith } from '../abort.ts';
import { isCode } from '../error.ts';
import type { SessionContext } from '../session/context.ts';
import { exists, get } from '../wire/reads.ts';
import { eventType } from './watches.ts';

/**
 * Yields a node's data, then again whenever it was written; undefined where there is no node. It is read
 * only when its version is another, and not where it is empty. What cannot be read now is tried again for
 * ever; ends when the signal aborts or the session closes.
 */
export async function* data(
  context: SessionContext,
  path: string,
  outer: AbortSignal,
): AsyncGenerator<Buffer | undefined, void> {
  const { signal, end } = endWith(outer, context.signal);
  const due = createLatest<void>();
  const backoff = createBackoff({ base: 100, max: 10_000 });
  let known: bigint | 'none' | undefined;
  let isAnswered = false;
  let lastFailure = '';
  let resync: NodeJS.Timeout | undefined;
  context.watches.follow(
    path,
    (event) => {
      if (event.path === path && event.type !== eventType.childrenChanged) due.set();
    },
    signal,
  );
  context.connected.on(() => {
    // The first request waits for a connection, and leaves its watch there.
    if (isAnswered) due.set();
  }, signal);
  due.set();

  /** The node's version and data, or nothing where both are as they were. */
  async function news() {
    const { submit } = context.operations;
    const stat = await submit(exists(path, { watch: true }), { signal });
    isAnswered = true;
    if ((stat?.mzxid ?? 'none') === known) return undefined;
    if (!stat) return { version: 'none', content: undefined } as const;
    if (stat.dataLength === 0) return { version: stat.mzxid, content: Buffer.alloc(0) };
    const found = await submit(get(path), { signal });
    return { version: found.stat.mzxid, content: found.data };
  }

  try {
    for await (const _ of due.values(signal)) {
      clearTimeout(resync);
      const result = await news().catch((error: unknown) => ({ error }));
      if (signal.aborted) return;
      const failed = result !== undefined && 'error' in result;
      if (failed && isCode(result.error, 'CLOSED')) return;
      const failure = failed ? messageOf(result.error) : '';
      if (failure !== '' && failure !== lastFailure)
        context.log.warn(
          {
            path,
            reason: failure,
            fix: 'it is tried again; where it is refused, let these credentials read it',
          },
          'cannot follow a node',
        );
      lastFailure = failure;
      if (failed) {
        await backoff.wait(signal).catch(() => {});
        due.offer();
        continue;
      }
      backoff.reset();
      resync = setTimeout(due.set, context.resyncInterval * (0.5 + Math.random()));
      if (!result) continue;
      known = result.version;
      yield result.content;
    }
  } finally {
    clearTimeout(resync);
    end();
  }
}
