import { setTimeout as sleep } from 'node:timers/promises';
import type { Child, Stat } from '../contract.ts';
import { isCode } from '../error.ts';
import { join } from '../path.ts';
import type { Core } from '../session/core.ts';
import type { Gate } from '../session/gate.ts';
import { exists, get, list, type Names } from '../wire/requests.ts';
import type { Changes, Todo } from './changes.ts';
import { createSorted } from './sorted.ts';

/** So many members are all looked at by one audit. */
const fewMembers = 3;

/** How many members of one path are asked for together. */
const portion = 64;

interface Member {
  readonly child: Child;
  /** The connection on which its data watch was left; older ones have none. */
  readonly epoch: number;
}

/** A path's children as far as they are known, and the way to know more. */
export interface Members {
  /** Does what is to be done. On an error that is noted again as due, and the error is thrown. */
  advance(todo: Todo): Promise<void>;
  /** Whether anything was answered yet; before that a new connection takes nothing away. */
  readonly isHeard: boolean;
  /** Whether the newest answer was that there is no such path. */
  readonly isMissing: boolean;
  /** The whole list, sorted by name, if it is another one than last time. */
  news(): readonly Child[] | undefined;
}

/**
 * Reads the list once per change and the data of new or changed members only. After a new connection
 * each member is looked at, without its data, to compare versions and to leave its watch anew.
 */
export function createMembers(
  core: Core,
  path: string,
  changes: Changes,
  signal: AbortSignal,
): Members {
  const { submit } = core.operations;
  const known = new Map<string, Member>();
  const unaudited = new Set<string>();
  const sorted = createSorted((name) => known.get(name)?.child);
  let stat: Stat | undefined;
  let changed = false;
  let sweeping = false;
  let audits = 0;
  let isHeard = false;

  async function names(): Promise<Names | undefined> {
    for (;;) {
      try {
        return await submit(list(path, { watch: true }), { signal });
      } catch (error) {
        if (!isCode(error, 'NO_NODE')) throw error;
      } finally {
        isHeard = true;
      }
      if (!(await submit(exists(path, { watch: true }), { signal }))) return undefined;
    }
  }

  function forget(name: string) {
    if (known.delete(name)) sorted.note(name);
    unaudited.delete(name);
  }

  /** Reads the list and drops who left; returns who is new. */
  async function refresh(): Promise<readonly string[]> {
    const found = await names();
    if ((stat === undefined) !== (found === undefined)) changed = true;
    stat = found?.stat;
    const all = found?.names ?? [];
    const added = all.filter((name) => !known.has(name));
    if (known.size + added.length > all.length) {
      const present = new Set(all);
      for (const name of [...known.keys()]) if (!present.has(name)) forget(name);
    }
    return added.filter((name) => !take(name));
  }

  /** Whether the name says all, and is known by it from now on. */
  function take(name: string): boolean {
    if (!core.wholeNames(name)) return false;
    known.set(name, { child: { name, data: Buffer.alloc(0), stat: undefined }, epoch: 0 });
    sorted.note(name);
    return true;
  }

  /** A member that vanished meanwhile, or that we may not read, is none. */
  async function read(name: string): Promise<void> {
    const epoch = core.epoch();
    try {
      const found = await submit(get(join(path, name), { watch: true }), { signal });
      const before = known.get(name)?.child;
      const isSame = before?.stat?.mzxid === found.stat.mzxid;
      if (!isSame) sorted.note(name);
      known.set(name, { child: isSame ? before : { name, ...found }, epoch });
    } catch (error) {
      if (!isCode(error, 'NO_NODE', 'NO_AUTH')) throw error;
      if (error.code === 'NO_AUTH')
        core.log.warn({ path, name, fix: 'let these credentials read it' }, 'may not read a child');
      forget(name);
    }
  }

  /** Looks at one member without reading it; one that changed is noted. */
  async function look(name: string): Promise<void> {
    const epoch = core.epoch();
    const request = exists(join(path, name), { watch: true, kind: 'sweep' });
    const now = await submit(request, { signal });
    const member = known.get(name);
    if (!member) return;
    const audited = unaudited.delete(name) && member.epoch === epoch;
    known.set(name, { ...member, epoch: Math.max(epoch, member.epoch) });
    if (now?.mzxid === member.child.stat?.mzxid) return;
    if (audited && !changes.expects(name)) missed();
    changes.add({ members: [name], list: now === undefined });
  }

  const unseen = () =>
    [...known]
      .filter(([name, { child, epoch }]) => {
        return child.stat && (epoch !== core.epoch() || unaudited.has(name));
      })
      .map(([name]) => name);

  /** Goes on beside everything else, since changes must not wait for it. Never rejects. */
  async function sweep(): Promise<void> {
    sweeping = true;
    try {
      for (let due = unseen(); due.length > 0 && !signal.aborted; due = unseen())
        await inPortions(core.sweeping, due, look);
    } catch {
      await sleep(1_000, undefined, { signal }).catch(() => {});
      changes.add({ sweep: true });
    }
    sweeping = false;
  }

  /** The server's list against ours, by version; some of the members follow in a sweep, others the next time. */
  async function audit(): Promise<void> {
    const now = await submit(exists(path, { kind: 'sweep' }), { signal });
    const same = now?.czxid === stat?.czxid && now?.childrenVersion === stat?.childrenVersion;
    if (!same && !changes.expects()) {
      missed();
      changes.add({ list: true });
    }
    for (const name of nextToAudit()) unaudited.add(name);
    changes.add({ sweep: true });
  }

  /** The members that were not looked at for longest: all of a few, else an eighth. */
  function nextToAudit(): readonly string[] {
    const names = [...known].flatMap(([name, { child }]) => (child.stat ? [name] : []));
    const count = Math.max(fewMembers, Math.ceil(names.length / 8));
    const from = audits * count;
    audits = from + count < names.length ? audits + 1 : 0;
    return names.slice(from, from + count);
  }

  function missed() {
    core.measures.lostWatch();
    core.log.warn({ path }, 'no watch told of a change');
  }

  return {
    get isHeard() {
      return isHeard;
    },
    get isMissing() {
      return isHeard && stat === undefined;
    },
    async advance(todo) {
      const suspects = new Set(todo.members);
      try {
        const added = todo.list ? await refresh() : [];
        if (todo.list) for (const name of changes.deleted()) suspects.add(name);
        const changed = [...suspects].filter((name) => known.has(name));
        await inPortions(core.reading, [...added, ...changed], read);
        if (todo.sweep && !sweeping) void sweep();
        if (todo.audit) await audit();
      } catch (error) {
        changes.add({ ...todo, members: [...suspects] });
        throw error;
      }
    },
    news() {
      const isNews = changed || sorted.isNoted;
      changed = false;
      return isNews ? sorted.list() : undefined;
    },
  };
}

/** Does it for all names, some at a time; waits for each portion whole, and throws its first error. */
async function inPortions(
  gate: Gate,
  names: readonly string[],
  task: (name: string) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < names.length; at += portion) {
    const results = await gate.run(() =>
      Promise.allSettled(names.slice(at, at + portion).map(task)),
    );
    const failure = results.find((result) => result.status === 'rejected');
    if (failure) throw failure.reason;
  }
}
