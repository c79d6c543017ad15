import type { OperationOptions } from '../contract.ts';
import { isCode } from '../error.ts';

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
