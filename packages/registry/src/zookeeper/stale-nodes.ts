import type { Log } from '@smartstack/daemon';
import { type Session, ZooKeeperError } from '@smartstack/zookeeper';

import { type Instance, isBadRecord } from '../instance/instance.ts';
import { decodeEither } from '../instance/serverset.ts';
import { namesFirst } from '../path-encoding.ts';
import { memberPrefix } from './record.ts';

export interface ClearStaleOptions {
  readonly session: Session;
  readonly log: Log;
  readonly path: string;
  /** Whether a node is one that this process keeps. */
  isKept(node: string): boolean;
}

/**
 * Deletes the records of an instance, by its name, host and port, that an earlier process left and that
 * this one does not keep. A record of another session is left alone: it is deleted when that session ends.
 * Rejects when the registry does not answer.
 */
export async function clearStale(
  { session, log, path, isKept }: ClearStaleOptions,
  instance: Instance,
  signal: AbortSignal,
): Promise<void> {
  /** Persistent nodes have no session. */
  const isOthers = (owner: bigint) => owner !== 0n && !session.owns(owner);
  const { names } = await orGone(session.list(path, { signal }), { names: [] });
  for (const name of names.filter((each) => couldBe(each, instance))) {
    const node = `${path}/${name}`;
    if (isKept(node)) continue;
    const found = await orGone(session.get(node, { signal }), undefined);
    if (!found || isOthers(found.stat.ephemeralOwner)) continue;
    // Asked again, since this process may have created it meanwhile.
    if (!isRecordOf(name, found.data, instance) || isKept(node)) continue;
    const { version } = found.stat;
    await orGone(session.remove(node, { signal, version }), undefined);
    log.warn({ node }, 'cleared a record that an earlier nerve left');
  }
}

/** A sequence number follows the name, unless the node has none; a server set's member does not say whose it is. */
function couldBe(name: string, { name: owner = '' }: Instance): boolean {
  if (name.startsWith('base64_')) return true;
  return [`${owner}_`, memberPrefix].some(
    (prefix) => name.startsWith(prefix) && /^(-?\d{10})?$/.test(name.slice(prefix.length)),
  );
}

const decodeOwn = namesFirst(decodeEither);

function isRecordOf(name: string, data: Buffer, { name: owner, host, port }: Instance): boolean {
  const found = decodeOwn(name, data);
  return !isBadRecord(found) && found.name === owner && found.host === host && found.port === port;
}

/** A node that is gone, or was written since it was read, is not stale. */
async function orGone<T, G>(answer: Promise<T>, gone: G): Promise<T | G> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ZooKeeperError && ['NO_NODE', 'BAD_VERSION'].includes(error.code))
      return gone;
    throw error;
  }
}
