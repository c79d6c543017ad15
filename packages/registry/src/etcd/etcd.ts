import { setMaxListeners } from 'node:events';

import { createDeadline } from '@smartstack/daemon';

import { createDecoder, type DecoderDeps } from '../instance/decoder.ts';
import {
  type BadRecord,
  decodeInstance,
  encodeInstance,
  type Instance,
  isBadRecord,
  longestRecord,
} from '../instance/instance.ts';
import type { RecordDecoder } from '../instance/record.ts';
import { changed, withSource } from '../instance/source.ts';
import { type Announcement, type Registry, Unconfirmed } from '../registry.ts';
import { type ClientOptions, createEtcdClient } from './client/client.ts';
import { EtcdError } from './client/errors.ts';
import { nerveOrAddress } from './decode.ts';
import { createKeptKeys } from './lease/kept-keys.ts';
import type { Entry, Limits } from './watch/entries.ts';
import { type FollowDeps, follow } from './watch/follow.ts';
import { createHistory } from './watch/history.ts';
import { joinPath, prefixOf } from './watch/prefix.ts';
import { createWatches } from './watch/watches.ts';

export interface EtcdRegistryOptions extends DecoderDeps, Omit<ClientOptions, 'log' | 'metrics'> {
  /** Before every path. */
  readonly prefix?: string | undefined;
  /** How long announcements outlive this process, in milliseconds. */
  readonly ttl?: number | undefined;
  /** How much a path may hold. */
  readonly limits?: Limits | undefined;
  /** What an earlier process left. */
  readonly resume?: EtcdTicket | undefined;
  /** Called with a new lease before anything is announced: the place to save the `ticket`. */
  readonly onLease?: (() => Promise<void>) | undefined;
}

/** What the next process needs to take announcements over: the lease in decimal, and the keys under it. */
export interface EtcdTicket {
  readonly sessionId: string;
  readonly password: string;
  readonly paths: readonly string[];
}

export interface EtcdFollowOptions extends Pick<FollowDeps, 'onTrouble'> {
  readonly decode?: RecordDecoder | undefined;
}

/** A registry with what only etcd has. */
export interface EtcdRegistry extends Registry {
  follow(
    path: string,
    options: EtcdFollowOptions,
    signal: AbortSignal,
  ): AsyncIterable<readonly Instance[]>;
  /** What the next process would need to take the announcements over if this one died now. */
  ticket(): EtcdTicket | undefined;
  /** Ends, and leaves the announcements to the next process. */
  handOff(): Promise<EtcdTicket | undefined>;
  /** Withdraws what an earlier process announced and this one has not, where `isStale` is true. */
  dropUnclaimed(
    isStale: (path: string, instance: Instance | undefined) => boolean,
    signal: AbortSignal,
  ): Promise<void>;
  hasUnclaimed(path: string): boolean;
  lastUnhealthy(): number | undefined;
}

/** How long the end may take, in milliseconds. */
const longestEnd = 1_900;

/**
 * Announcements are keys `<prefix><path>/<name>-<host>:<port>` with the instance as JSON, all under one lease.
 * One connection serves all paths, and one stream of watches; nothing is opened before it is needed.
 */
export function createEtcdRegistry(options: EtcdRegistryOptions): EtcdRegistry {
  const { log, metrics, prefix = '', ttl = 10_000, onLease = async () => {} } = options;
  // A note that was damaged is none.
  const resume = /^\d{1,19}$/.test(options.resume?.sessionId ?? '') ? options.resume : undefined;
  const ended = new AbortController();
  const { signal: end } = ended;
  setMaxListeners(0, end);
  const client = createEtcdClient(options);
  const history = createHistory();
  const watches = createWatches({ client, history, log }, end);
  const left = resume && { lease: BigInt(resume.sessionId), keys: resume.paths };
  const keys = createKeptKeys({ client, log, ttl, resume: left, onGranted: onLease }, end);
  const root = joinPath(prefix);

  const ticket = (): EtcdTicket | undefined => {
    const id = keys.lease.id();
    if (id === undefined) return resume;
    return { sessionId: id.toString(), password: '', paths: keys.names() };
  };

  async function* followPath(
    path: string,
    { decode = nerveOrAddress, onTrouble }: EtcdFollowOptions,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Instance[], void> {
    const whole = prefixOf(joinPath(prefix, path));
    const sources = new WeakMap<Buffer, Entry>();
    const decodeAll = createDecoder(path, { log, metrics }, (id, data) => {
      const instance = data.length > longestRecord ? tooLong(id) : decode(id, data);
      const entry = sources.get(data);
      if (isBadRecord(instance) || !entry) return instance;
      const { name, created, modified } = entry;
      const source = `${whole.path}/${name} created at revision ${created}, modified at ${modified}`;
      return withSource(changed(instance, { id: `${name}@${created}` }), source);
    });
    const { limits } = options;
    const deps = { client, watches, history, log, limits, ...(onTrouble && { onTrouble }) };
    for await (const entries of follow(whole, deps, AbortSignal.any([signal, end])))
      yield decodeAll(
        entries.map((entry) => {
          sources.set(entry.data, entry);
          return { id: entry.name, data: entry.data };
        }),
      );
  }

  async function announce(path: string, instance: Instance, signal: AbortSignal) {
    let key = keyOf(joinPath(prefix, path), instance);
    await keep(key, instance, signal);
    let isReleased = false;
    /** Keys that were released, and could not be deleted yet. */
    const released = new Set<string>();
    const discard = async () => {
      for (const each of [...released]) {
        await keys.discard(each);
        released.delete(each);
      }
    };
    const release = () => {
      keys.release(key);
      released.add(key);
    };
    const announcement: Announcement = {
      update: async (next, own) => {
        const wanted = keyOf(joinPath(prefix, path), next);
        if (wanted === key) await keys.update(key, encodeInstance(next), own);
        else {
          await keep(wanted, next, own);
          release();
          key = wanted;
        }
        await discard();
      },
      [Symbol.asyncDispose]: async () => {
        if (!isReleased) release();
        isReleased = true;
        await discard();
      },
    };
    return announcement;
  }

  async function keep(key: string, instance: Instance, signal: AbortSignal): Promise<void> {
    try {
      await keys.keep(key, encodeInstance(instance), signal);
    } catch (error) {
      const isRefused = error instanceof EtcdError && error.isRefused;
      if (isRefused) throw error;
      throw new Unconfirmed(error, () => keys.discard(key));
    }
  }

  async function close(): Promise<void> {
    ended.abort(new Error('closed'));
    await Promise.all([watches.ended(), keys.lease.ended()]);
    client[Symbol.dispose]();
  }

  return {
    announce,
    watch: (path, signal) => followPath(path, {}, signal),
    follow: followPath,
    ticket,
    handOff: async () => {
      // The next process has the whole time to live to start in.
      using limit = createDeadline(longestEnd);
      await Promise.allSettled([keys.lease.touch(limit.signal)]);
      const last = ticket();
      await close();
      return last;
    },
    dropUnclaimed: (isStale, signal) =>
      keys.dropUnclaimed((key, value) => {
        const found = decodeInstance(key, value);
        const path = key.slice(root.length, key.lastIndexOf('/'));
        return isStale(path, isBadRecord(found) ? undefined : found);
      }, signal),
    hasUnclaimed: (path) => {
      const start = `${joinPath(prefix, path)}/`;
      return keys.unclaimed().some((key) => key.startsWith(start));
    },
    lastUnhealthy: client.lastUnhealthy,
    [Symbol.asyncDispose]: async () => {
      // What could not be withdrawn ends with its lease.
      using limit = createDeadline(longestEnd);
      await Promise.allSettled([keys.lease.revoke(limit.signal)]);
      await close();
    },
  };
}

const tooLong = (id: string): BadRecord => ({
  id,
  reason: `longer than ${longestRecord} bytes`,
});

/** The key of an instance: whoever announces the same one again writes the same key, and readers see one member. */
function keyOf(path: string, { name, host, port }: Instance): string {
  const text = [...(name === undefined ? [] : [name]), `${host}:${port}`].join('-');
  return `${path}/${text.replaceAll(/[/%\p{Cc}]/gu, encodeURIComponent)}`;
}
