import type { Log } from '@smartstack/daemon';

import type { Instance } from '../instance/instance.ts';
import { Unconfirmed } from '../registry.ts';
import type { EtcdKeys, EtcdNode } from './keys.ts';
import { holds, type UnclaimedKeys } from './unclaimed.ts';

export interface Keeping extends Pick<UnclaimedKeys, 'held' | 'inTurn'> {
  readonly keys: EtcdKeys;
  readonly log: Log;
  readonly folder: string;
  /** How long the key lives. */
  readonly seconds: number;
  /** How often it is written again, in milliseconds. */
  readonly interval: number;
}

/** What is written, and where. */
export interface Written {
  readonly instance: Instance;
  readonly value: string;
  /** Undefined while etcd has not said it. */
  readonly key?: string;
}

/**
 * Creates a key with a number that etcd chooses, and resolves to it. Rejects with an `Unconfirmed` where
 * it may be there all the same, and with the signal's reason where it was created and deleted.
 */
export async function createKey(
  keeping: Keeping,
  written: Written,
  signal: AbortSignal,
): Promise<string> {
  const { keys, folder, seconds: ttl } = keeping;
  const { value } = written;
  const key = await keys
    .createInOrder(folder, { value, ttl })
    .catch(failUnconfirmed(keeping, written));
  if (!signal.aborted) return key;
  await keys.remove(key, numberOf(key)).catch(failUnconfirmed(keeping, written));
  throw signal.reason;
}

/** Handles the failure of a write that may have been carried out. */
export function failUnconfirmed(keeping: Keeping, written: Written) {
  return (error: unknown): never => {
    throw new Unconfirmed(error, () => removeStrays(keeping, written));
  };
}

/**
 * Deletes what came of this and of earlier attempts: keys of the instance that no announcement of this
 * process has, with what was written, or as they were created. A nerve writes again what it has.
 */
function removeStrays(
  { keys, folder, held, inTurn }: Keeping,
  { instance, value, key }: Written,
): Promise<void> {
  const isWritten = (node: EtcdNode) => node.key === key && node.value === value;
  const isAsCreated = (node: EtcdNode) =>
    node.modifiedIndex === numberOf(node.key) && holds(node, instance);
  return inTurn(folder, async () => {
    for (const node of await keys.listAgreed(folder))
      if (!held.has(node.key) && (isWritten(node) || isAsCreated(node)))
        await keys.remove(node.key, node.modifiedIndex);
  });
}

/** The number that etcd chose for a key: its count of writes when it was created. */
function numberOf(key: string): number {
  return Number(key.slice(key.lastIndexOf('/') + 1));
}
