import { createBackoff, messageOf } from '@smartstack/daemon';

import { endWith } from '../abort.ts';
import type { Child } from '../contract.ts';
import { isCode } from '../error.ts';
import type { Core } from '../session/core.ts';
import { createChanges } from './changes.ts';
import { createMembers } from './members.ts';

/**
 * Yields a path's children with their data: the whole list first, then a whole new list on every
 * change. Nothing is yielded before the path exists (`onMissing` is told that it does not), and a path that
 * vanished yields an empty list.
 * What cannot be read now is tried again for ever; ends when the signal aborts or the session closes.
 */
export async function* children(
  core: Core,
  path: string,
  outer: AbortSignal,
  onMissing: () => void = () => {},
): AsyncGenerator<readonly Child[], void> {
  const { signal, end } = endWith(outer, core.signal);
  const changes = createChanges(path, core.resyncInterval);
  const members = createMembers(core, path, changes, signal);
  const backoff = createBackoff({ base: 100, max: 10_000 });
  let complaint = '';
  core.watches.follow(path, changes.note, signal);
  core.connected.on(() => {
    // The first question waits for a connection, and leaves its watch there.
    if (members.isHeard) changes.add({ list: true, sweep: true });
  }, signal);

  try {
    while (await changes.wait(signal)) {
      const failure = await members.advance(changes.take()).then(
        () => '',
        (error) => (isCode(error, 'CLOSED') ? undefined : messageOf(error)),
      );
      if (signal.aborted || failure === undefined) return;
      if (failure !== complaint && failure !== '')
        core.log.warn(
          {
            path,
            reason: failure,
            fix: 'it is tried again; where it is refused, let these credentials read it',
          },
          'cannot follow children',
        );
      complaint = failure;
      if (failure !== '') await backoff.wait(signal).catch(() => {});
      else {
        backoff.reset();
        const list = members.news();
        if (list) yield list;
        else if (members.isMissing) onMissing();
      }
    }
  } finally {
    end();
  }
}
