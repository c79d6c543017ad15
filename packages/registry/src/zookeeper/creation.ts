import { createBackoff, type Log, messageOf } from '@smartstack/daemon';
import { type CreateMode, isCode, type Session, ZooKeeperError } from '@smartstack/zookeeper';

import { discardStray, findStrays, orGone, type Taken } from './strays.ts';

export interface CreationOptions {
  /** The whole path; a sequential node's is this with the sequence number behind it. */
  readonly path: string;
  readonly mode: Extract<CreateMode, 'persistent' | 'persistent_sequential'>;
  readonly taken: Taken;
  readonly log: Log;
}

/**
 * Creates a node and returns its path. Where the answer was lost, it is looked for until a server says whether
 * it exists: it is taken over then, or deleted when the signal has aborted. Rejects once nothing is left behind, or
 * when the session ends.
 */
export type Creation = (data: Buffer, signal: AbortSignal) => Promise<string>;

const fix = 'it is asked again; until then others may use the record';

/** Creates the persistent nodes of one record, which no session's end deletes. */
export function creationOf(
  session: Session,
  { path: wanted, mode, taken, log }: CreationOptions,
): Creation {
  const parent = wanted.slice(0, wanted.lastIndexOf('/'));
  const search = { session, parent, wanted, taken };
  /** The data of a creation that was sent and not answered. */
  let lost: Buffer | undefined;

  async function attempt(data: Buffer, signal: AbortSignal): Promise<string> {
    const found = lost && mode === 'persistent_sequential' && (await reclaimed(lost, data, signal));
    if (found) return take(found);
    try {
      return take(await create(data, signal));
    } catch (error) {
      if (error instanceof ZooKeeperError && error.outcome === 'unknown') lost = data;
      if (!isCode(error, 'NODE_EXISTS')) throw error;
    }
    // One that is there already, without a sequence number, is taken over.
    const { data: present } = await session.get(wanted, { signal });
    if (!present.equals(data)) await session.set(wanted, data, { signal });
    return take(wanted);
  }

  /** Makes the path above it once: where it is gone again, the whole is tried again later. */
  async function create(data: Buffer, signal: AbortSignal): Promise<string> {
    try {
      return await session.create(wanted, data, mode, { signal });
    } catch (error) {
      if (!isCode(error, 'NO_NODE')) throw error;
      await session.makePath(parent, { signal });
      return session.create(wanted, data, mode, { signal });
    }
  }

  function take(path: string): string {
    lost = undefined;
    taken.add(path);
    return path;
  }

  async function reclaimed(sent: Buffer, data: Buffer, signal: AbortSignal) {
    for await (const path of findStrays(search, sent, { signal })) {
      if (sent.equals(data)) return path;
      await discardStray(search, path, { signal });
    }
    lost = undefined;
    return undefined;
  }

  async function removeStrays(sent: Buffer): Promise<void> {
    if (mode === 'persistent') await session.remove(wanted).catch(orGone(undefined));
    else for await (const path of findStrays(search, sent)) await discardStray(search, path);
  }

  return async (data, signal) => {
    const backoff = createBackoff({ base: 50, max: 1_000 });
    let lastReason = '';
    for (;;) {
      try {
        if (lost && signal.aborted) await removeStrays(lost);
        else return await attempt(data, signal);
        lost = undefined;
      } catch (error) {
        if (!lost || isCode(error, 'CLOSED')) throw error;
        const reason = messageOf(error);
        if (reason !== lastReason && !isCode(error, 'ABORTED'))
          log.warn({ path: wanted, reason, fix }, 'not known whether a persistent record exists');
        lastReason = reason;
        await backoff.wait(new AbortController().signal);
      }
    }
  };
}
