import type { Child } from '../contract.ts';
import { isCode } from '../error.ts';
import { join } from '../path.ts';
import type { SessionContext } from '../session/context.ts';
import { exists, get, list, type Names } from '../wire/reads.ts';
import { inBatches } from './batches.ts';
import type { Changes, Due } from './changes.ts';
import { createChildrenCache } from './children-cache.ts';
import { createResync } from './resync.ts';

/** Reads one path's children, but only those that changed. */
export interface ChildrenReader {
  /** Asks the server for what is due. On an error that is noted as due again, and the error is thrown. */
  read(due: Due): Promise<void>;
  /** Whether anything was answered yet; before that there is no watch that a new connection would lose. */
  readonly isAnswered: boolean;
  /** Whether the newest answer was that there is no such path. */
  readonly isMissing: boolean;
  /** The whole list, sorted by name, if it is another one than last time. */
  news(): readonly Child[] | undefined;
}

export interface ChildrenReaderOptions {
  readonly context: SessionContext;
  readonly path: string;
  readonly changes: Changes;
}

/**
 * Reads the list once per change and the data of new or changed children only. After a new connection
 * each child's version is compared, without its data, which leaves its watch anew.
 */
export function createChildrenReader(
  { context, path, changes }: ChildrenReaderOptions,
  signal: AbortSignal,
): ChildrenReader {
  const { submit } = context.operations;
  const cache = createChildrenCache();
  const resync = createResync({ context, path, cache, changes }, signal);
  let isAnswered = false;

  async function readNames(): Promise<Names | undefined> {
    for (;;) {
      try {
        return await submit(list(path, { watch: true }), { signal });
      } catch (error) {
        if (!isCode(error, 'NO_NODE')) throw error;
      } finally {
        isAnswered = true;
      }
      if (!(await submit(exists(path, { watch: true }), { signal }))) return undefined;
    }
  }

  /** Reads the list and drops the children that left; returns the new ones that have to be read. */
  async function readList(): Promise<readonly string[]> {
    const found = await readNames();
    cache.stat = found?.stat;
    const all = found?.names ?? [];
    const added = all.filter((name) => !cache.get(name));
    if (cache.size + added.length > all.length) {
      const present = new Set(all);
      for (const name of cache.names()) if (!present.has(name)) cache.delete(name);
    }
    return added.filter((name) => !takeByName(name));
  }

  /** Whether the name says all; the child is known by it then. */
  function takeByName(name: string): boolean {
    if (!context.wholeNames(name)) return false;
    const child = { name, data: Buffer.alloc(0), stat: undefined };
    cache.set(name, { child, epoch: 0, isToCompare: false });
    return true;
  }

  /** A child that vanished meanwhile, or that we may not read, is left out. */
  async function readChild(name: string): Promise<void> {
    const epoch = context.epoch();
    try {
      const found = await submit(get(join(path, name), { watch: true }), { signal });
      const before = cache.get(name);
      const isSame = before?.child.stat?.mzxid === found.stat.mzxid;
      const child = isSame ? before.child : { name, ...found };
      cache.set(name, { child, epoch, isToCompare: before?.isToCompare ?? false });
    } catch (error) {
      if (!isCode(error, 'NO_NODE', 'NO_AUTH')) throw error;
      if (error.code === 'NO_AUTH')
        context.log.warn(
          { path, name, fix: 'let these credentials read it' },
          'may not read a child',
        );
      cache.delete(name);
    }
  }

  return {
    get isAnswered() {
      return isAnswered;
    },
    get isMissing() {
      return isAnswered && cache.stat === undefined;
    },
    async read(due) {
      const suspects = new Set(due.children);
      try {
        const added = due.list ? await readList() : [];
        if (due.list) for (const name of changes.deleted()) suspects.add(name);
        const changed = [...suspects].filter((name) => cache.get(name));
        await inBatches(context.readGate, [...added, ...changed], readChild);
        if (due.rewatch) resync.rewatch();
        if (due.resync) await resync.compare();
      } catch (error) {
        changes.add({ ...due, children: [...suspects] });
        throw error;
      }
    },
    news: cache.news,
  };
}
