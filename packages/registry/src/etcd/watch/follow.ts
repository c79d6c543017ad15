import { setTimeout as sleep } from 'node:timers/promises';
import { createBackoff, createLatest, type Log, messageOf } from '@smartstack/daemon';

import type { EtcdClient } from '../client/client.ts';
import { fixFor, isTooLong } from '../client/errors.ts';
import { range, rangeRequest } from '../wire/messages.ts';
import {
  applyAll,
  type Entry,
  entryOf,
  expectFew,
  isSame,
  type Limits,
  mergedWith,
  TooMuch,
  usualLimits,
} from './entries.ts';
import { type History, isPutBack } from './history.ts';
import type { Prefix } from './prefix.ts';
import type { Watched, Watches } from './watches.ts';

export interface FollowDeps {
  readonly client: EtcdClient;
  readonly watches: Watches;
  readonly history: History;
  readonly log: Log;
  readonly limits?: Limits | undefined;
  /** Called with the reason why etcd does not answer now, and with undefined once it does. */
  onTrouble?(reason: string | undefined): void;
}

/** So many keys are read at once: an answer stays small. Where values are long, fewer. */
const pages = { usual: 5_000, least: 10 } as const;
/** A path that holds too much is read no more often, in milliseconds. */
const longPause = 60_000;

/**
 * Yields the records directly below a prefix, then again whenever they have changed: one read, then a watch from
 * the revision of that. Read again only where the watch may have missed something; the last list stands meanwhile.
 */
export async function* follow(
  prefix: Prefix,
  deps: FollowDeps,
  outer: AbortSignal,
): AsyncGenerator<readonly Entry[], void> {
  const ended = new AbortController();
  const signal = AbortSignal.any([outer, ended.signal]);
  const lists = createLatest<ReadonlyMap<string, Entry>>();
  const keeping = keepFollowing(prefix, deps, lists.set, signal);
  try {
    for await (const entries of lists.values(signal)) yield [...entries.values()];
  } finally {
    ended.abort();
    await keeping;
  }
}

/** Never rejects. */
async function keepFollowing(
  prefix: Prefix,
  { client, watches, history, log, limits = usualLimits, onTrouble = () => {} }: FollowDeps,
  yieldList: (entries: ReadonlyMap<string, Entry>) => void,
  signal: AbortSignal,
): Promise<void> {
  const backoff = createBackoff({ base: 100, max: 5_000 });
  let entries: ReadonlyMap<string, Entry> | undefined;
  let complaint = '';
  while (!signal.aborted) {
    try {
      const read = await readAll(prefix, { client, history, limits }, signal);
      const merged = mergedWith(entries, read.entries);
      const isChanged = !entries || !isSame(entries, merged);
      entries = merged;
      if (isChanged) yieldList(merged);
      complaint = '';
      onTrouble(undefined);
      backoff.reset();
      await watchFrom(read, merged);
    } catch (error) {
      if (signal.aborted) return;
      const reason = messageOf(error);
      onTrouble(reason);
      if (reason !== complaint)
        log.warn(
          { path: prefix.path, reason, fix: fixFor(error) },
          'cannot read etcd; what was known stands',
        );
      complaint = reason;
      const wait =
        error instanceof TooMuch ? sleep(longPause, undefined, { signal }) : backoff.wait(signal);
      await wait.catch(() => {});
    }
  }

  /** Resolves when the range must be read again, or the signal has aborted. */
  async function watchFrom(
    { revision, epoch }: Pick<Watched, 'epoch'> & { readonly revision: number },
    current: Map<string, Entry>,
  ): Promise<void> {
    // Whoever was told of the list may have ended this.
    if (signal.aborted) return;
    let stop = () => {};
    const lost = new Promise<void>((resolve) => {
      stop = resolve;
    });
    const watched: Watched = {
      range: prefix.range,
      from: revision + 1,
      epoch,
      onEvents: (events) => {
        if (!applyAll(events, current, prefix)) return;
        try {
          expectFew(prefix.path, limits, current);
        } catch {
          // What was known stands: the list is read again, which says why it cannot be.
          return stop();
        }
        yieldList(current);
      },
      onLost: (reason) => {
        log.info({ path: prefix.path, reason }, 'read from etcd again');
        stop();
      },
      onTrouble,
    };
    signal.addEventListener('abort', stop);
    watches.add(watched);
    await lost;
    watches.remove(watched);
    signal.removeEventListener('abort', stop);
  }
}

/** All records of one revision. */
async function readAll(
  { range: whole, path, nameOf }: Prefix,
  { client, history, limits }: Pick<FollowDeps, 'client' | 'history'> & { readonly limits: Limits },
  signal: AbortSignal,
) {
  const entries = new Map<string, Entry>();
  const what = `read ${path}`;
  const before = history.newest();
  let revision = 0;
  let epoch = history.epoch;
  let key = whole.key;
  let page: number = pages.usual;
  let count = 0;
  const readPage = async () => {
    for (;;) {
      const asked = rangeRequest({ key, end: whole.end }, { limit: page, revision });
      try {
        return await client.call(range, asked, { what, signal });
      } catch (error) {
        if (page === pages.least || !isTooLong(error)) throw error;
        page = Math.max(pages.least, Math.floor(page / 10));
      }
    }
  };
  for (;;) {
    const { header, keys, more } = await readPage();
    if (revision === 0) {
      revision = header.revision;
      // What a majority stands for is true, also of a cluster that was put back.
      if (isPutBack(header, before)) {
        client.noteTrouble();
        if (epoch === history.epoch) history.restart(header);
        epoch = history.epoch;
      } else history.note(header);
    }
    for (const kv of keys) {
      const name = nameOf(kv.key);
      if (name !== undefined) entries.set(name, entryOf(name, kv));
    }
    count += keys.length;
    expectFew(path, limits, entries, count);
    if (keys[0] && keys[0].key.compare(key) < 0)
      throw new Error('answered with keys that were read before');
    const last = keys.at(-1);
    if (!more) return { entries, revision, epoch };
    if (!last) throw new Error('answered with no keys, and that there are more');
    key = Buffer.concat([last.key, Buffer.alloc(1)]);
  }
}
