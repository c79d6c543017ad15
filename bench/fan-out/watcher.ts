import { openWireSession, type WireSession } from './wire.ts';

/** How a watcher follows a path. */
export type Way = 'originals' | 'ours' | 'names' | 'persistent' | 'persistent names';

/** Follows a path; `know` is called with the number of members whenever it is in step with a change. */
export type Follow = (
  port: number,
  path: string,
  know: (members: number) => void,
) => Promise<WireSession>;

/**
 * What each watcher does. The originals list, and read every member again. Ours lists, and reads who is
 * new, with a watch on each. `names`: what path encoding allows, which is only to list. `persistent`:
 * one recursive watch that names who came and who left, so that nothing is listed again; and with names
 * that say all, nothing is read either.
 */
export const ways: Readonly<Record<Way, Follow>> = {
  originals: (port, path, know) =>
    relisting(port, path, know, { reads: (names) => names, watch: false }),
  ours: (port, path, know) =>
    relisting(port, path, know, {
      reads: (names, known) => names.filter((name) => !known.has(name)),
      watch: true,
    }),
  names: (port, path, know) => relisting(port, path, know, { reads: () => [], watch: false }),
  persistent: (port, path, know) => persistent(port, path, know, true),
  'persistent names': (port, path, know) => persistent(port, path, know, false),
};

interface Reading {
  reads(names: readonly string[], known: ReadonlySet<string>): readonly string[];
  /** Whether a read leaves a watch. */
  readonly watch: boolean;
}

async function relisting(
  port: number,
  path: string,
  know: (members: number) => void,
  { reads, watch }: Reading,
): Promise<WireSession> {
  let known: ReadonlySet<string> = new Set();
  const session = await openWireSession(port, (type, changed) => {
    if (type === 'children' && changed === path) void look();
  });
  async function look(): Promise<void> {
    const names = await session.list(path);
    const due = reads(names, known);
    known = new Set(names);
    await Promise.all(due.map((name) => session.read(`${path}/${name}`, watch)));
    know(names.length);
  }
  await look();
  return session;
}

async function persistent(
  port: number,
  path: string,
  know: (members: number) => void,
  reads: boolean,
): Promise<WireSession> {
  const known = new Set<string>();
  const session: WireSession = await openWireSession(port, (type, changed) => {
    if (type === 'created') void join(changed);
    if (type === 'deleted' && known.delete(changed)) know(known.size);
  });
  async function join(member: string): Promise<void> {
    if (reads) await session.read(member, false);
    know(known.add(member).size);
  }
  await session.watchAll(path);
  const names = await session.list(path);
  await Promise.all(names.map((name) => join(`${path}/${name}`)));
  return session;
}
