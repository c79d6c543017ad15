import type { EphemeralOptions, OperationOptions } from '../contract.ts';
import { orGone } from '../error.ts';
import type { Operations } from '../operations/operations.ts';
import { get } from '../wire/reads.ts';
import { isDataOf, isPathOf } from './match.ts';

/** Nodes of a resumed session that no `ephemeral` has claimed yet. */
export interface Unclaimed {
  paths(): readonly string[];
  has(path: string): boolean;
  /** Takes a node out; false when another ephemeral was first. */
  claim(path: string): boolean;
  /** What a node holds, read once for all who ask; undefined when it is gone. */
  data(path: string, within: OperationOptions): Promise<Buffer | undefined>;
}

export function createUnclaimed(handedOff: readonly string[], { submit }: Operations): Unclaimed {
  const left = new Set(handedOff);
  const contents = new Map<string, Promise<Buffer | undefined>>();
  return {
    paths: () => [...left],
    has: (path) => left.has(path),
    claim: (path) => {
      contents.delete(path);
      return left.delete(path);
    },
    data: (path, within) => {
      const known = contents.get(path);
      if (known) return known;
      const reading = orGone(submit(get(path, { kind: 'urgent' }), within), undefined);
      const content = reading.then((found) => found?.data);
      contents.set(path, content);
      content.catch(() => contents.delete(path));
      return content;
    },
  };
}

/** Claims an ephemeral's node and returns its path: one with the same data before another that `isSame` accepts. */
export async function claimNode(
  unclaimed: Unclaimed,
  wanted: EphemeralOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const paths = unclaimed.paths().filter((path) => isPathOf(wanted, path));
  if (paths.length === 0) return undefined;
  const contents = await Promise.all(
    paths.map(async (path) => [path, await unclaimed.data(path, { signal })] as const),
  );
  const isOnly = paths.length === 1;
  const fitting = contents.filter(
    ([, data]) => data !== undefined && isDataOf(wanted, data, isOnly),
  );
  const exact = fitting.filter(([, data]) => data?.equals(wanted.data));
  return [...exact, ...fitting].find(([path]) => unclaimed.claim(path))?.[0];
}
