import { createBackoff, createLatest, type Log, messageOf } from '@smartstack/daemon';

import type { EtcdClient } from '../client/client.ts';
import { fixFor } from '../client/errors.ts';
import { type KeyEvent, type KeyValue, range, rangeRequest } from '../wire/messages.ts';
import { type History, isPutBack } from './history.ts';
import type { Prefix } from './prefix.ts';
import type { Watched, Watches } from './watches.ts';

/** A record below a path. */
export interface Entry {
  readonly name: string;
  readonly data: Buffer;
  readonly created: number;
  readonly modified: number;
}

export interface FollowDeps {
  readonly client: EtcdClient;
  readonly watches: Watches;
  readonly history: History;
  readonly log: Log;
  /** Called with the reason why etcd does not answer now, and with undefined once it does. */
  onTrouble?(reason: string | undefined): void;
}

/** So many keys are read at once: an answer stays small. */
const page = 5_000;
/** No path has more records. */
const maxRecords = 200_000;

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
  { client, watches, history, log, onTrouble = () => {} }: FollowDeps,
  yieldList: (entries: ReadonlyMap<string, Entry>) => void,
  signal: AbortSignal,
): Promise<void> {
  const backoff = createBackoff({ base: 100, max: 5_000 });
  let entries: ReadonlyMap<string, Entry> | undefined;
  let complaint = '';
  while (!signal.aborted) {
    try {
      const read = await readAll(prefix, { client, history }, signal);
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
      await backoff.wait(signal).catch(() => {});
    }
  }

  /** Resolves when the range must be read again, or the signal has aborted. */
  async function watchFrom(
    { revision, epoch }: Pick<Watched, 'epoch'> & { readonly revision: number },
    current: Map<string, Entry>,
  ): Promise<void> {
    let stop = () => {};
    const lost = new Promise<void>((resolve) => {
      stop = resolve;
    });
    const watched: Watched = {
      range: prefix.range,
      from: revision + 1,
      epoch,
      onEvents: (events) => {
        if (applyAll(events, current, prefix)) yieldList(current);
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

/** Whether any record has changed. */
function applyAll(
  events: readonly KeyEvent[],
  entries: Map<string, Entry>,
  prefix: Prefix,
): boolean {
  let isChanged = false;
  for (const { isDelete, kv } of events) {
    const name = prefix.nameOf(kv.key);
    if (name === undefined) continue;
    if (isDelete) isChanged = entries.delete(name) || isChanged;
    else {
      entries.set(name, entryOf(name, kv));
      isChanged = true;
    }
  }
  return isChanged;
}

const entryOf = (name: string, { value: data, created, modified }: KeyValue): Entry => ({
  name,
  // A view would keep the whole answer in memory.
  data: Buffer.from(data),
  created,
  modified,
});

/** All records of one revision. */
async function readAll(
  { range: whole, path, nameOf }: Prefix,
  { client, history }: Pick<FollowDeps, 'client' | 'history'>,
  signal: AbortSignal,
) {
  const entries = new Map<string, Entry>();
  const what = `read ${path}`;
  const before = history.newest();
  let revision = 0;
  let epoch = history.epoch;
  let key = whole.key;
  for (;;) {
    const asked = rangeRequest({ key, end: whole.end }, { limit: page, revision });
    const { header, keys, more } = await client.call(range, asked, { what, signal });
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
    const last = keys.at(-1);
    if (!more || !last) return { entries, revision, epoch };
    if (entries.size > maxRecords) throw new Error(`more than ${maxRecords} records at ${path}`);
    key = Buffer.concat([last.key, Buffer.alloc(1)]);
  }
}

/** Records that are as they were stay the very same objects, which need not be parsed again. */
function mergedWith(
  before: ReadonlyMap<string, Entry> | undefined,
  now: ReadonlyMap<string, Entry>,
): Map<string, Entry> {
  return new Map(
    [...now].map(([name, entry]) => {
      const last = before?.get(name);
      return [name, last && isSameEntry(last, entry) ? last : entry];
    }),
  );
}

const isSameEntry = (a: Entry, b: Entry) =>
  a.created === b.created && a.modified === b.modified && a.data.equals(b.data);

const isSame = (a: ReadonlyMap<string, Entry>, b: ReadonlyMap<string, Entry>) =>
  a.size === b.size && [...a].every(([name, entry]) => b.get(name) === entry);
