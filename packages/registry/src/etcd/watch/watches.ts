import { createBackoff, type Log, messageOf } from '@smartstack/daemon';
import { orAborted } from '../../or-aborted.ts';
import type { EtcdClient } from '../client/client.ts';
import type { Connection, Metadata, Stream } from '../client/connection.ts';
import { isForgotten, isTooLong } from '../client/errors.ts';
import {
  type KeyEvent,
  type Range,
  range,
  rangeRequest,
  type WatchAnswer,
  watch,
  watchRequest,
} from '../wire/messages.ts';
import { type History, isPutBack } from './history.ts';

/** One range of keys that is watched; its owner changes `from` as it goes on. */
export interface Watched {
  readonly range: Range;
  /** The first revision that it has not seen. */
  from: number;
  /** The history's epoch when it was read. */
  readonly epoch: number;
  /** Called with all changes of one or more revisions, in order. Throws where they are not of its range. */
  onEvents(events: readonly KeyEvent[]): void;
  /** Called when changes may have been missed: it is not watched any more, and must be read again. */
  onLost(reason: string): void;
  /** Called with why it is not watched now, and with undefined once it is. */
  onTrouble(reason: string | undefined): void;
}

export interface Watches {
  /** Watches a range until it is removed or lost. */
  add(watched: Watched): void;
  remove(watched: Watched): void;
  /** Resolves once the signal has aborted and the stream is closed. */
  ended(): Promise<void>;
}

export interface WatchesDeps {
  readonly client: EtcdClient;
  readonly history: History;
  readonly log: Log;
}

/** A stream on which ranges are watched; ids are etcd's, given in the order of the requests. */
interface Session {
  readonly stream: Stream;
  readonly requested: Watched[];
  readonly ids: Map<bigint, Watched>;
}

/**
 * Watches any number of ranges on one stream, for as long as there are any. A stream that ends is opened again,
 * at another endpoint where that one failed, and each range goes on behind what it has seen.
 */
export function createWatches(deps: WatchesDeps, signal: AbortSignal): Watches {
  const { client, history, log } = deps;
  const all = new Set<Watched>();
  /** Refused on the last stream: its token may have been too old for it. */
  const refused = new WeakSet<Watched>();
  let session: Session | undefined;
  let running: Promise<void> | undefined;

  function request(to: Session, watched: Watched): void {
    to.requested.push(watched);
    to.stream.send(watchRequest.create(watched.range, watched.from));
  }

  function lose(watched: Watched, reason: string): void {
    if (all.delete(watched)) watched.onLost(reason);
  }

  /** Throws, so that it is asked for again with another token; what is denied then concerns no other range. */
  function refuse(watched: Watched, reason: string): void {
    const isAgain = refused.has(watched);
    if (isAgain) refused.delete(watched);
    else refused.add(watched);
    if (!isAgain || !isDenied(reason)) throw new Error(reason);
    lose(watched, reason);
  }

  function take(from: Session, answer: WatchAnswer): void {
    const { id, isCreated, isCanceled, compacted, reason, events, header } = answer;
    if (isCreated) {
      const watched = from.requested.shift();
      if (!watched) throw new Error('etcd created a watch that nobody asked for');
      if (isCanceled) {
        refuse(watched, reason || 'watch refused');
        return;
      }
      refused.delete(watched);
      from.ids.set(id, watched);
      if (all.has(watched)) watched.onTrouble(undefined);
      else from.stream.send(watchRequest.cancel(id));
      return;
    }
    const watched = from.ids.get(id);
    if (!watched) return;
    if (isCanceled) {
      from.ids.delete(id);
      if (!all.has(watched)) return;
      if (compacted === 0) throw new Error(reason || 'etcd ended the watch');
      lose(watched, `revisions up to ${compacted} were compacted`);
    }
    if (isCanceled || !all.has(watched)) return;
    history.note(header);
    const fresh = events.filter(({ kv }) => kv.modified >= watched.from);
    if (fresh.length > 0) watched.onEvents(fresh);
    const last = events.length > 0 ? (events.at(-1)?.kv.modified ?? 0) : header.revision;
    watched.from = Math.max(watched.from, last + 1);
  }

  /** Runs one stream; rejects with why it ended. */
  async function runStream(connection: Connection, metadata: Metadata): Promise<never> {
    let fail = (_: Error) => {};
    const ended = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const stream = connection.stream(
      watch.path,
      // etcd ends the stream when its member has lost the leader: it would hear of no change.
      { ...metadata, hasleader: 'true' },
      {
        onMessage: (bytes) => {
          try {
            take(own, watch.read(bytes));
          } catch (error) {
            fail(error as Error);
          }
        },
        onEnd: (error) => fail(error),
      },
    );
    const own: Session = { stream, requested: [], ids: new Map() };
    session = own;
    for (const watched of all) request(own, watched);
    const stop = () => fail(new Error('aborted'));
    signal.addEventListener('abort', stop);
    try {
      return await ended;
    } finally {
      session = undefined;
      stream.close();
      signal.removeEventListener('abort', stop);
    }
  }

  /** Asks a majority where the cluster stands: a watch alone would wait for revisions that a restored one will not have. */
  async function check(): Promise<void> {
    const before = history.newest();
    const header = await newestHeader();
    if (!header) return;
    if (isPutBack(header, before)) {
      client.noteTrouble();
      const reason = `etcd was at revision ${before?.revision}, and is at ${header.revision} now`;
      log.warn(
        { reason, fix: 'none where a backup was restored: all is read again' },
        'etcd went back',
      );
      history.restart(header);
    } else history.note(header);
    for (const watched of [...all])
      if (watched.epoch !== history.epoch) lose(watched, 'etcd went back');
  }

  /** By a key of the first range that may be read; one that may not is lost, and stops no other. */
  async function newestHeader() {
    for (const watched of [...all]) {
      const asked = rangeRequest({ key: watched.range.key }, { limit: 1, keysOnly: true });
      try {
        const call = { what: 'ask for the revision', signal };
        return (await client.call(range, asked, call)).header;
      } catch (error) {
        if (!isDenied(error)) throw error;
        lose(watched, messageOf(error));
      }
    }
    return undefined;
  }

  async function run(): Promise<void> {
    const backoff = createBackoff({ base: 50, max: 3_000 });
    while (!signal.aborted && all.size > 0) {
      const begin = performance.now();
      let connection: Connection | undefined;
      let metadata: Metadata = {};
      try {
        await check();
        connection = await orAborted(client.connection(), signal);
        metadata = await orAborted(client.metadata(connection), signal);
        if (all.size > 0) await runStream(connection, metadata);
      } catch (error) {
        if (signal.aborted || all.size === 0) return;
        // A token that expired shows as a refusal of the watch.
        if (isForgotten(error) || isDenied(error)) client.forget(metadata);
        // It would be said again: only a list can tell what came of so many changes.
        else if (isTooLong(error)) for (const each of [...all]) lose(each, messageOf(error));
        else if (connection) client.giveUp(connection, error);
        for (const watched of all) watched.onTrouble(messageOf(error));
        if (performance.now() - begin > 10_000) backoff.reset();
        await backoff.wait(signal).catch(() => {});
      }
    }
  }

  function start(): void {
    running ??= run().finally(() => {
      running = undefined;
      if (all.size > 0 && !signal.aborted) start();
    });
  }

  return {
    add: (watched) => {
      all.add(watched);
      if (session) request(session, watched);
      start();
    },
    remove: (watched) => {
      all.delete(watched);
      for (const [id, each] of session?.ids ?? [])
        if (each === watched) session?.stream.send(watchRequest.cancel(id));
      if (all.size === 0) session?.stream.close();
    },
    ended: async () => running,
  };
}

const isDenied = (reason: unknown) => messageOf(reason).includes('permission denied');
