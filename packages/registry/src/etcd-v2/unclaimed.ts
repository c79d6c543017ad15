import { decodeInstance, type Instance, isBadRecord } from '../instance/instance.ts';
import type { EtcdKeys, EtcdNode } from './keys.ts';

/** Where an instance's key is looked for. */
export interface Folder {
  readonly keys: EtcdKeys;
  readonly folder: string;
}

/** Keys that are in etcd and that no announcement of this process has claimed yet. */
export interface UnclaimedKeys {
  /** The keys of this process's announcements. */
  readonly held: Set<string>;
  /**
   * Announces in a folder, one at a time. What was refused or not answered may have been done: the folder is
   * read again before the next, which claims what came of it.
   */
  inTurn<T>(folder: string, announce: () => Promise<T>): Promise<T>;
  /** A key that holds this very instance; each is given out once. */
  claim(from: Folder, instance: Instance, signal: AbortSignal): Promise<string | undefined>;
}

export function createUnclaimedKeys(): UnclaimedKeys {
  const folders = new Map<string, Promise<EtcdNode[]>>();
  const turns = new Map<string, Promise<unknown>>();
  const held = new Set<string>();

  return {
    held,
    inTurn: async (folder, announce) => {
      const turn = (turns.get(folder) ?? Promise.resolve()).then(announce);
      const done = turn.catch(() => folders.delete(folder));
      turns.set(folder, done);
      return turn;
    },
    claim: async ({ keys, folder }, instance, signal) => {
      signal.throwIfAborted();
      const reading = folders.get(folder) ?? readOthers({ keys, folder }, held, signal);
      folders.set(folder, reading);
      const nodes = await reading;
      const index = nodes.findIndex((node) => holds(node, instance));
      return index === -1 ? undefined : nodes.splice(index, 1)[0]?.key;
    },
  };
}

async function readOthers(
  { keys, folder }: Folder,
  held: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<EtcdNode[]> {
  return (await keys.list(folder, signal)).filter(({ key }) => !held.has(key));
}

/** Whether a key's value is of this instance, whatever its weight and labels are. */
export function holds({ key, value }: EtcdNode, { name, host, port }: Instance): boolean {
  const other = decodeInstance(key, Buffer.from(value));
  if (isBadRecord(other)) return false;
  return other.name === name && other.host === host && other.port === port;
}
