import { createBackoff, messageOf } from '@smartstack/daemon';

import { endWith } from '../abort.ts';
import type { Child } from '../contract.ts';
import { isCode } from '../error.ts';
import type { SessionContext } from '../session/context.ts';
import { createChanges } from './changes.ts';
import { createChildrenReader } from './children-reader.ts';

/**
 * Yields a path's children with their data: the whole list first, then a whole new list on every
 * change. Nothing is yielded before the path exists (`onMissing` is told that it does not), and a path that
 * vanished yields an empty list.
 * What cannot be read now is tried again for ever; ends when the signal aborts or the session closes.
 */
export async function* children(
  context: SessionContext,
  path: string,
  outer: AbortSignal,
  onMissing: () => void = () => {},
): AsyncGenerator<readonly Child[], void> {
  const { signal, end } = endWith(outer, context.signal);
  const changes = createChanges(path, context.resyncInterval);
  const reader = createChildrenReader({ context, path, changes }, signal);
  const backoff = createBackoff({ base: 100, max: 10_000 });
  let lastFailure = '';
  context.watches.follow(path, changes.note, signal);
  context.connected.on(() => {
    // The first request waits for a connection, and leaves its watch there.
    if (reader.isAnswered) changes.add({ list: true, rewatch: true });
  }, signal);

  try {
    while (await changes.wait(signal)) {
      const failure = await reader.read(changes.take()).then(
        () => '',
        (error) => (isCode(error, 'CLOSED') ? undefined : messageOf(error)),
      );
      if (signal.aborted || failure === undefined) return;
      if (failure !== lastFailure && failure !== '')
        context.log.warn(
          {
            path,
            reason: failure,
            fix: 'it is tried again; where it is refused, let these credentials read it',
          },
          'cannot follow children',
        );
      lastFailure = failure;
      if (failure !== '') await backoff.wait(signal).catch(() => {});
      else {
        backoff.reset();
        const list = reader.news();
        if (list) yield list;
        else if (reader.isMissing) onMissing();
      }
    }
  } finally {
    end();
  }
}
