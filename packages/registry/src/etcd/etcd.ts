import { setTimeout as sleep } from 'node:timers/promises';

import { type Log, messageOf } from '@smartstack/daemon';

import { createAnnouncements } from '../announcements.ts';
import {
  decodeInstance,
  encodeInstance,
  type Instance,
  isBadRecord,
} from '../instance/instance.ts';
import type { Announcement, Registry } from '../registry.ts';
import { createEtcdKeys, type EtcdAddress, type EtcdKeys, type EtcdNode } from './keys.ts';

/** Announces in one etcd; nothing of ours reads there. */
export interface EtcdRegistry extends AsyncDisposable {
  /**
   * Announces an instance as the key `<path>/<name>/<number>`, which lives for `ttl` milliseconds (rounded
   * up to seconds) unless it is written again, as this does three times as often until disposed of. A key
   * that an earlier process left for the same name, host and port is taken over.
   */
  announce(
    ttl: number,
    ...args: Parameters<Registry['announce']>
  ): ReturnType<Registry['announce']>;
}

/** Announces through etcd's v2 API, as Airbnb's nerve does; an unreachable server is an error of each call. */
export function createEtcdRegistry(
  address: EtcdAddress,
  { log }: { readonly log: Log },
): EtcdRegistry {
  const announcements = createAnnouncements();
  const leftovers = createLeftovers();
  return {
    announce: (ttl, path, instance, signal) => {
      const seconds = Math.ceil(ttl / 1000);
      const interval = (seconds * 1000) / 3;
      const keys = createEtcdKeys(address, Math.max(interval, 1000));
      const folder = `${path === '/' ? '' : path}/${instance.name ?? ''}`;
      return leftovers.inTurn(folder, async () => {
        const left = await leftovers.take(keys, folder, instance, signal);
        const kept = { keys, log, folder, seconds, interval, held: leftovers.held };
        return announcements.add(await announceKey(kept, left, instance, signal));
      });
    },
    [Symbol.asyncDispose]: async () => {
      // What could not be withdrawn ends with its time.
      await Promise.allSettled([announcements[Symbol.asyncDispose]()]);
    },
  };
}

/** Keys that stand and that nothing in this process keeps, each of which is given out once. */
function createLeftovers() {
  const folders = new Map<string, Promise<EtcdNode[]>>();
  const turns = new Map<string, Promise<unknown>>();
  const held = new Set<string>();

  async function read(keys: EtcdKeys, folder: string, signal: AbortSignal): Promise<EtcdNode[]> {
    return (await keys.list(folder, signal)).filter(({ key }) => !held.has(key));
  }

  return {
    /** What this process keeps. */
    held,
    /**
     * Announces in a folder, one at a time. What was refused or not answered may have been done: the folder is
     * read again before the next, which takes over what came of it.
     */
    inTurn: async <T>(folder: string, announce: () => Promise<T>): Promise<T> => {
      const turn = (turns.get(folder) ?? Promise.resolve()).then(announce);
      const done = turn.catch(() => folders.delete(folder));
      turns.set(folder, done);
      return turn;
    },
    /** A key in a folder that holds this very instance. */
    take: async (
      keys: EtcdKeys,
      folder: string,
      instance: Instance,
      signal: AbortSignal,
    ): Promise<string | undefined> => {
      signal.throwIfAborted();
      const reading = folders.get(folder) ?? read(keys, folder, signal);
      folders.set(folder, reading);
      const nodes = await reading;
      const index = nodes.findIndex((node) => holds(node, instance));
      return index === -1 ? undefined : nodes.splice(index, 1)[0]?.key;
    },
  };
}

function holds({ key, value }: EtcdNode, { name, host, port }: Instance): boolean {
  const other = decodeInstance(key, Buffer.from(value));
  if (isBadRecord(other)) return false;
  return other.name === name && other.host === host && other.port === port;
}

interface Keeping {
  readonly keys: EtcdKeys;
  readonly log: Log;
  readonly folder: string;
  /** The keys that this process keeps. */
  readonly held: Set<string>;
  /** How long the key lives. */
  readonly seconds: number;
  /** How often it is written again, in milliseconds. */
  readonly interval: number;
}

async function announceKey(
  keeping: Keeping,
  left: string | undefined,
  instance: Instance,
  signal: AbortSignal,
): Promise<Announcement> {
  const { keys, folder, held, seconds: ttl } = keeping;
  let value = encodeInstance(instance).toString();
  const key = left ?? (await keys.createInOrder(folder, { value, ttl }));
  if (left === undefined && signal.aborted) {
    await keys.remove(key);
    throw signal.reason;
  }
  let written: Promise<unknown> = Promise.resolve();
  /** One write after the other, so that the newest value is the last. */
  const write = () => {
    const writing = written.then(() => keys.set(key, { value, ttl }));
    written = writing.catch(() => {});
    return writing;
  };
  if (left !== undefined) await write();
  held.add(key);
  const stop = new AbortController();
  const kept = keepWritten(keeping, key, write, stop.signal);
  return {
    update: async (next) => {
      value = encodeInstance(next).toString();
      await write();
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all([kept, written]);
      await keys.remove(key);
      held.delete(key);
    },
  };
}

async function keepWritten(
  { log, interval, seconds }: Keeping,
  key: string,
  write: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let failing = false;
  while (await sleep(interval, true, { signal }).catch(() => false)) {
    try {
      await write();
      if (failing) log.info({ key }, 'etcd key is written again');
      failing = false;
    } catch (error) {
      const reason = messageOf(error);
      if (!failing)
        log.error(
          {
            key,
            reason,
            expires: `${seconds} s`,
            fix: 'check that etcd answers this machine, and lets it write there; it is tried again',
          },
          'cannot write etcd key',
        );
      failing = true;
    }
  }
}
