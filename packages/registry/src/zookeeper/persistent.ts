import { setTimeout as sleep } from 'node:timers/promises';

import { messageOf } from '@smartstack/daemon';
import { isCode, type Session } from '@smartstack/zookeeper';

import { type CreationOptions, creationOf } from './creation.ts';

/** How often a record without a time to live is checked, in milliseconds. */
const interval = 30_000;

export interface PersistentOptions extends CreationOptions {
  readonly data: Buffer;
  readonly ttl: number | undefined;
}

/** A persistent node that is kept in place until released. */
export interface Persistent {
  /** Where it is now. */
  readonly path: string;
  update(data: Buffer): Promise<void>;
  /** Deletes it, and stops keeping it. */
  release(): Promise<void>;
}

/**
 * Writes a persistent node, then again every `ttl`, or when it is gone. If the first write fails or the
 * signal aborts before, it rejects once no node is left, as for an ephemeral node.
 */
export async function keepPersistent(
  session: Session,
  options: PersistentOptions,
  signal: AbortSignal,
): Promise<Persistent> {
  const { data, ttl, log, taken } = options;
  const create = creationOf(session, options);
  const released = new AbortController();
  let content = data;
  let path = await create(content, signal);

  async function keep(): Promise<void> {
    let lastReason = '';
    while (await slept(ttl ?? interval, released.signal)) {
      try {
        path = await refresh();
        lastReason = '';
      } catch (error) {
        const reason = messageOf(error);
        if (reason !== lastReason)
          log.error(
            {
              path,
              reason,
              fix: 'it is tried again; where it is refused, let this machine write at that path',
            },
            'cannot refresh a persistent record',
          );
        lastReason = reason;
      }
    }
  }

  async function refresh(): Promise<string> {
    const { signal: own } = released;
    if (ttl === undefined && (await session.exists(path, { signal: own }))) return path;
    return session.set(path, content, { signal: own }).then(
      () => path,
      (error: unknown) => {
        if (!isCode(error, 'NO_NODE')) throw error;
        taken.delete(path);
        return create(content, own);
      },
    );
  }

  const kept = keep();
  return {
    get path() {
      return path;
    },
    update: async (next) => {
      content = next;
      path = await refreshed();
    },
    release: async () => {
      released.abort();
      await kept;
      await session.remove(path).catch((error: unknown) => {
        if (!isCode(error, 'NO_NODE')) throw error;
      });
      taken.delete(path);
    },
  };

  async function refreshed(): Promise<string> {
    await session.set(path, content);
    return path;
  }
}

async function slept(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  return sleep(milliseconds, true, { signal }).catch(() => false);
}
