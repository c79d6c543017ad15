import { isCode, type OperationOptions, type Session } from '@smartstack/zookeeper';

/** Paths of the nodes that this process keeps, or is about to delete: no other search takes them for its own. */
export type Taken = Set<string>;

/** Where to look for the sequential nodes of creations whose answers were lost. */
export interface StraySearch {
  readonly session: Session;
  readonly parent: string;
  /** The nodes' path before the sequence number. */
  readonly wanted: string;
  readonly taken: Taken;
}

/** Finds nodes that hold the data that was sent and that no other announcement of this process has. */
export async function* findStrays(
  { session, parent, wanted, taken }: StraySearch,
  data: Buffer,
  within: OperationOptions = {},
): AsyncGenerator<string, void> {
  // Another server than the one that was asked may not know of it yet.
  await session.sync(parent, within);
  const { names } = await session.list(parent, within).catch(orGone({ names: [] }));
  for (const path of names.map((name) => `${parent}/${name}`)) {
    if (!path.startsWith(wanted) || !/^-?\d{10}$/.test(path.slice(wanted.length))) continue;
    if (taken.has(path)) continue;
    const found = await session.get(path, within).catch(orGone(undefined));
    if (!found?.data.equals(data) || taken.has(path)) continue;
    // At once: another search may read the same node in this moment.
    taken.add(path);
    yield path;
  }
}

/** Deletes a stray node; until that is done no other search takes it. */
export async function discardStray(
  { session, taken }: StraySearch,
  path: string,
  within: OperationOptions = {},
): Promise<void> {
  taken.add(path);
  try {
    await session.remove(path, within).catch(orGone(undefined));
  } finally {
    taken.delete(path);
  }
}

/** For `catch`: resolves to `gone` where there is no such node. */
export function orGone<G>(gone: G): (error: unknown) => G {
  return (error) => {
    if (isCode(error, 'NO_NODE')) return gone;
    throw error;
  };
}
