import { setTimeout as sleep } from 'node:timers/promises';

import { type Log, messageOf } from '@smartstack/daemon';
import { type Child, type Session, ZooKeeperError } from '@smartstack/zookeeper';

import { instanceOfName } from '../path-encoding.ts';

export interface Poll {
  readonly session: Pick<Session, 'list' | 'get' | 'exists'>;
  readonly log: Log;
  readonly path: string;
  /** The poll interval in milliseconds; the first wait is a random part of it, which spreads a fleet. */
  readonly interval: number;
  /** Called when the path does not exist. */
  readonly onMissing?: (() => void) | undefined;
}

/**
 * Yields a path's children with their data at each poll. Nothing is yielded before the
 * path exists, and one that vanished yields an empty list; a failed poll is skipped.
 */
export async function* pollChildren(
  poll: Poll,
  signal: AbortSignal,
): AsyncGenerator<readonly Child[], void> {
  let existed = false;
  for await (const children of rounds(poll, () => readChildren(poll, signal), signal)) {
    if (children || existed) yield children ?? [];
    else poll.onMissing?.();
    existed ||= children !== undefined;
  }
}

/** Yields a node's data, and again when its version is another one; undefined where there is no node. */
export async function* pollData(
  poll: Poll,
  signal: AbortSignal,
): AsyncGenerator<Buffer | undefined, void> {
  const { session, path } = poll;
  let known: bigint | null | undefined = null;
  const read = async () => {
    const stat = await session.exists(path, { signal });
    if (stat?.mzxid === known) return undefined;
    const found = stat && (await orNone(session.get(path, { signal })));
    known = found?.stat.mzxid;
    return { data: found?.data };
  };
  for await (const news of rounds(poll, read, signal)) if (news) yield news.data;
}

async function* rounds<T>(
  { interval, log, path }: Poll,
  round: () => Promise<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void> {
  const fix = 'it is tried again; where it is refused, let these credentials read it';
  let lastReason = '';
  let wait = interval * Math.random();
  while (!signal.aborted) {
    const result = await round().then(
      (value) => ({ value }),
      (error: unknown) => ({ reason: messageOf(error) }),
    );
    if (signal.aborted) return;
    const { reason = '' } = 'reason' in result ? result : {};
    if (reason !== '' && reason !== lastReason) log.warn({ path, reason, fix }, 'cannot poll');
    lastReason = reason;
    if ('value' in result) yield result.value;
    await sleep(wait, undefined, { signal }).catch(() => {});
    wait = interval;
  }
}

async function readChildren(
  { session, path }: Poll,
  signal: AbortSignal,
): Promise<readonly Child[] | undefined> {
  const found = await orNone(session.list(path, { signal }));
  const children = found?.names.map((name) => readChild({ session, path, name }, signal));
  return children && (await Promise.all(children)).filter((child) => child !== undefined);
}

/** A name that carries its instance is not read. */
async function readChild(
  { session, path, name }: Pick<Poll, 'session' | 'path'> & { readonly name: string },
  signal: AbortSignal,
): Promise<Child | undefined> {
  if (instanceOfName(name)) return { name, data: Buffer.alloc(0), stat: undefined };
  const found = await orNone(session.get(`${path}/${name}`, { signal }));
  return found && { name, ...found };
}

async function orNone<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof ZooKeeperError && error.code === 'NO_NODE') return undefined;
    throw error;
  }
}
