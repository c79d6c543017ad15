import { setTimeout as sleep } from 'node:timers/promises';

import { type Log, messageOf } from '@smartstack/daemon';
import { type CreateMode, type Session, ZooKeeperError } from '@smartstack/zookeeper';

/** How often a record without a time to live is looked after, in milliseconds. */
const interval = 30_000;

export interface PersistentOptions {
  /** The whole path; a sequential node's is this with the sequence number behind it. */
  readonly path: string;
  readonly data: Buffer;
  readonly mode: Extract<CreateMode, 'persistent' | 'persistent_sequential'>;
  readonly ttl: number | undefined;
  readonly log: Log;
}

/** A persistent node that is looked after until released. */
export interface Persistent {
  /** Where it is now. */
  readonly path: string;
  update(data: Buffer): Promise<void>;
  /** Deletes it, and stops looking after it. */
  release(): Promise<void>;
}

/** Writes a persistent node, and writes it again every `ttl`, or should it be gone. */
export async function keepPersistent(
  session: Session,
  { path: wanted, data, mode, ttl, log }: PersistentOptions,
  signal: AbortSignal,
): Promise<Persistent> {
  const released = new AbortController();
  let content = data;
  await session.makePath(wanted.slice(0, wanted.lastIndexOf('/')), { signal });
  let path = await write(session, wanted, content, mode, signal);

  async function keep(): Promise<void> {
    let complaint = '';
    while (await slept(ttl ?? interval, released.signal)) {
      try {
        path = await refresh();
        complaint = '';
      } catch (error) {
        const reason = messageOf(error);
        if (reason !== complaint)
          log.error(
            {
              path,
              reason,
              fix: 'it is tried again; where it is refused, let this machine write at that path',
            },
            'cannot refresh a persistent record',
          );
        complaint = reason;
      }
    }
  }

  async function refresh(): Promise<string> {
    const { signal: own } = released;
    if (ttl === undefined && (await session.exists(path, { signal: own }))) return path;
    return session.set(path, content, { signal: own }).then(
      () => path,
      (error: unknown) => {
        if (isCode(error, 'NO_NODE')) return write(session, wanted, content, mode, own);
        throw error;
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
    },
  };

  async function refreshed(): Promise<string> {
    await session.set(path, content);
    return path;
  }
}

/** One that is there already, without a sequence number, is taken over; written only if it says something else. */
async function write(
  session: Session,
  path: string,
  data: Buffer,
  mode: CreateMode,
  signal: AbortSignal,
): Promise<string> {
  try {
    return await session.create(path, data, mode, { signal });
  } catch (error) {
    if (!isCode(error, 'NODE_EXISTS')) throw error;
    const { data: present } = await session.get(path, { signal });
    if (!present.equals(data)) await session.set(path, data, { signal });
    return path;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof ZooKeeperError && error.code === code;
}

async function slept(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  return sleep(milliseconds, true, { signal }).catch(() => false);
}
