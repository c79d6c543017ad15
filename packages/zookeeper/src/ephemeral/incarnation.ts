import { createBackoff } from '@smartstack/daemon';

import type { EphemeralOptions } from '../contract.ts';
import { isCode, ZooKeeperError } from '../error.ts';
import { join, parentOf } from '../path.ts';
import type { Core } from '../session/core.ts';
import {
  create,
  exists,
  get,
  list,
  type NewNode,
  remove,
  replace,
  set,
  sync,
} from '../wire/requests.ts';

/** The node that stands, or stood, for one `ephemeral`; after a lost session it is another one. */
export interface Incarnation {
  /** Where it is now; before the first, where it shall be. */
  path(): string;
  /** Makes sure that it stands, is this session's and has this data; true when it had to be created. */
  stand(data: Buffer): Promise<boolean>;
  /** Deletes it, however long that takes; ends early with the session. Never rejects. */
  remove(): Promise<void>;
}

interface Standing {
  readonly path: string;
  readonly session: bigint;
  /** What was last written; unknown for a node that was taken over. */
  readonly data: Buffer | undefined;
}

/** Gone, its parent missing, raced for, found: a node that does not stand after so many looks is contested. */
const maxRounds = 6;

/** `onEvent` is called when something happened to the node; `signal` ends `stand` and the listening. */
export function createIncarnation(
  core: Core,
  node: EphemeralOptions,
  onEvent: () => void,
  signal: AbortSignal,
): Incarnation {
  const { submit } = core.operations;
  const parent = parentOf(node.path);
  let standing: Standing | undefined;
  /** A creation was sent and its answer lost. */
  let uncertain = false;
  /** The process that had the session before may have created the node and died before it noted that. */
  let unnoted = core.resumed;
  /** What was asked for last. */
  let wanted = node.data;
  let following = new AbortController();

  function settle(next: Standing | undefined) {
    if (next?.path !== standing?.path) {
      following.abort();
      following = new AbortController();
      if (standing) core.kept.delete(standing.path);
      if (next) {
        core.kept.add(next.path);
        const both = AbortSignal.any([following.signal, signal]);
        core.watches.follow(next.path, onEvent, both);
      }
    }
    standing = next;
  }

  const isIncarnation = (path: string) =>
    node.sequential
      ? path.startsWith(node.path) && /^-?\d{10}$/.test(path.slice(node.path.length))
      : path === node.path;

  /** Of several nodes that could be this one by their names, what they hold tells which is. */
  const isOurs = (data: Buffer, otherwise = false) =>
    node.sequential !== true || data.equals(wanted) || (node.isSame?.(data) ?? otherwise);

  /** Takes a node of a resumed session: one that holds the same data before one that stands for the same. */
  async function inherit(): Promise<string | undefined> {
    const paths = core.inherited.paths().filter(isIncarnation);
    if (paths.length === 0) return undefined;
    const contents = await Promise.all(
      paths.map(async (path) => [path, await core.inherited.data(path, { signal })] as const),
    );
    const isOnly = paths.length === 1;
    const fitting = contents.filter(([, data]) => data !== undefined && isOurs(data, isOnly));
    const exact = fitting.filter(([, data]) => data?.equals(wanted));
    return [...exact, ...fitting].find(([path]) => core.inherited.take(path))?.[0];
  }

  /** Finds the node of a creation whose answer was lost: owned by us, now or before, and nobody else's. */
  async function search(ending: AbortSignal, isUnsure = uncertain): Promise<string | undefined> {
    if (!isUnsure) return undefined;
    for (const path of await candidates(ending)) {
      const found = await read(path, ending);
      const owner = found?.stat.ephemeralOwner;
      const isMine = owner !== undefined && (owner === core.sessionId() || core.isFormer(owner));
      if (!isMine || !isOurs(found?.data ?? wanted) || core.kept.has(path)) continue;
      // Others may search at the same time: from here on it is taken.
      settle({ path, session: owner, data: undefined });
      return path;
    }
    uncertain = false;
    unnoted = false;
    return undefined;
  }

  async function read(path: string, ending: AbortSignal) {
    try {
      return await submit(get(path, { kind: 'look' }), { signal: ending });
    } catch (error) {
      if (isCode(error, 'NO_NODE')) return undefined;
      throw error;
    }
  }

  async function candidates(ending: AbortSignal): Promise<readonly string[]> {
    try {
      await submit(sync(parent), { signal: ending });
      const { names } = await submit(list(parent, { kind: 'look' }), { signal: ending });
      const paths = names.map((name) => join(parent, name));
      return paths
        .filter((path) => isIncarnation(path) && !core.kept.has(path) && !core.inherited.has(path))
        .sort()
        .reverse();
    } catch (error) {
      if (isCode(error, 'NO_NODE')) return [];
      throw error;
    }
  }

  /** Looks at a node and leaves a watch there. One whose data we do not know is read, lest it be written for nothing. */
  async function inspect(path: string): Promise<'ours' | 'ghost' | 'foreign' | 'gone'> {
    const known = standing?.path === path ? standing.data : undefined;
    const found = known
      ? { data: known, stat: await submit(exists(path, { watch: true, kind: 'look' }), { signal }) }
      : await submit(get(path, { watch: true, kind: 'look' }), { signal }).catch((error) => {
          if (isCode(error, 'NO_NODE')) return undefined;
          throw error;
        });
    const owner = found?.stat?.ephemeralOwner;
    if (!found || owner === undefined) return 'gone';
    if (owner !== core.sessionId()) return core.isFormer(owner) ? 'ghost' : 'foreign';
    settle({ path, session: owner, data: found.data });
    return 'ours';
  }

  async function write(send: (wanted: NewNode) => Promise<string>, data: Buffer): Promise<void> {
    const mode = node.sequential ? 'ephemeral_sequential' : 'ephemeral';
    try {
      const path = await send({ path: node.path, data, mode, acl: core.acl });
      // Another one, that searched for its own, took it for that: it has it.
      if (core.kept.has(path)) return;
      settle({ path, session: core.sessionId(), data });
      uncertain = false;
      unnoted = false;
    } catch (error) {
      if (error instanceof ZooKeeperError && error.outcome === 'unknown') uncertain = true;
      throw error;
    }
  }

  const createNew = (data: Buffer) => write((wanted) => submit(create(wanted), { signal }), data);

  /** In one transaction, so that there is never none and never two of it. */
  const takePlace = (old: string, data: Buffer) =>
    write((wanted) => submit(replace(old, wanted), { signal }), data);

  /** Creates the node where none of ours is. */
  async function make(data: Buffer): Promise<void> {
    try {
      await createNew(data);
    } catch (error) {
      if (isCode(error, 'NO_NODE')) await core.nodes.makePath(parent, { signal });
      else if (!isCode(error, 'NODE_EXISTS')) throw error;
      else await oust(data, error);
    }
  }

  /** Something is where the node shall be: our own, a ghost of an earlier process, or what is not ours to delete. */
  async function oust(data: Buffer, error: ZooKeeperError): Promise<void> {
    const stat = await submit(exists(node.path, { kind: 'look' }), { signal });
    if (!stat || (await inspect(node.path)) === 'ours') return;
    const { ephemeralOwner: owner } = stat;
    if (owner === 0n) throw error;
    if (!core.isFormer(owner)) throw heldByAnother(node.path);
    await takePlace(node.path, data);
  }

  /** Finds the node or makes it; gives up for now when it is taken away again and again. */
  async function find(data: Buffer): Promise<boolean> {
    wanted = data;
    for (let round = 0; round < maxRounds; round++) {
      const path =
        standing?.path ?? (await inherit()) ?? (await search(signal, uncertain || unnoted));
      const verdict = path === undefined ? 'gone' : await inspect(path);
      if (verdict === 'ours') return round > 0;
      if (verdict === 'ghost' && path !== undefined) {
        await takePlace(path, data).catch(ignoreVanished);
      } else {
        settle(undefined);
        if (path === undefined || !node.sequential) await make(data).catch(ignoreVanished);
      }
    }
    const reason = 'it is taken away again and again';
    throw new ZooKeeperError({ code: 'NO_NODE', operation: 'keep', path: node.path, reason });
  }

  return {
    path: () => standing?.path ?? node.path,
    async stand(data) {
      const created = await find(data);
      if (standing && standing.data?.equals(data) !== true) {
        await submit(set(standing.path, data), { signal });
        settle({ ...standing, data });
      }
      return created;
    },
    async remove() {
      const backoff = createBackoff({ base: 50, max: 5_000 });
      while (!core.signal.aborted) {
        try {
          const path = standing?.path ?? (await search(core.signal));
          if (path === undefined) return;
          const owner =
            standing?.session === core.sessionId()
              ? standing.session
              : (await submit(exists(path), { signal: core.signal }))?.ephemeralOwner;
          if (owner === core.sessionId() || (owner && core.isFormer(owner)))
            await submit(remove(path), { signal: core.signal });
          return settle(undefined);
        } catch (error) {
          if (isCode(error, 'NO_NODE')) return settle(undefined);
          await backoff.wait(core.signal).catch(() => {});
        }
      }
    },
  };
}

/** A session that lives has the node, and keeps it: it is looked at again until that has ended. */
function heldByAnother(path: string): ZooKeeperError {
  const reason = 'another session keeps it, and has it until that session ends';
  return new ZooKeeperError({ code: 'HELD', operation: 'keep', path, reason });
}

/** What was to be replaced is gone, or its parent is: the next look decides. */
function ignoreVanished(error: unknown) {
  if (!isCode(error, 'NO_NODE')) throw error;
}
