import type { OperationOptions } from '../contract.ts';
import { isCode } from '../error.ts';
import type { Core } from '../session/core.ts';

/** Nodes of a resumed session that nobody keeps yet. */
export interface Inherited {
  paths(): readonly string[];
  has(path: string): boolean;
  /** Takes a node out; false when somebody else was first. */
  take(path: string): boolean;
  /** What a node holds, read once for all who ask; undefined when it is gone. */
  data(path: string, within: OperationOptions): Promise<Buffer | undefined>;
}

export function createInherited(
  noted: readonly string[],
  read: (path: string, within: OperationOptions) => Promise<Buffer>,
): Inherited {
  const left = new Set(noted);
  const contents = new Map<string, Promise<Buffer | undefined>>();
  return {
    paths: () => [...left],
    has: (path) => left.has(path),
    take: (path) => {
      contents.delete(path);
      return left.delete(path);
    },
    data: (path, within) => {
      const known = contents.get(path);
      if (known) return known;
      const reading = read(path, within).catch((error: unknown) => {
        if (isCode(error, 'NO_NODE')) return undefined;
        contents.delete(path);
        throw error;
      });
      contents.set(path, reading);
      return reading;
    },
  };
}

/** Deletes the nodes of a resumed session that nobody keeps; what other sessions own is left alone. */
export async function dropUnclaimed(
  core: Core,
  isLeft: (path: string, data: Buffer) => boolean = () => true,
  within: OperationOptions = {},
): Promise<void> {
  for (const path of core.inherited.paths()) {
    const data = await core.inherited.data(path, within);
    if (data && !isLeft(path, data)) continue;
    const owner = (await core.nodes.exists(path, within))?.ephemeralOwner;
    const ours = owner !== undefined && (owner === core.sessionId() || core.isFormer(owner));
    if (ours && core.inherited.has(path))
      await core.nodes.remove(path, within).catch((error) => {
        if (!isCode(error, 'NO_NODE')) throw error;
      });
    core.inherited.take(path);
  }
}
