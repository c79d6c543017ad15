import type { Child, Stat } from '../contract.ts';
import { createSorted } from './sorted.ts';

/** A child as it was read last. */
export interface CachedChild {
  readonly child: Child;
  /** The connection on which its data watch was left; older ones have none. */
  readonly epoch: number;
  /** Whether a resync is still to compare it with the server. */
  readonly isToCompare: boolean;
}

/** What is known of one path and its children. */
export interface ChildrenCache {
  /** The path's own stat with the newest list; undefined where there is no such path. */
  stat: Stat | undefined;
  readonly size: number;
  names(): readonly string[];
  get(name: string): CachedChild | undefined;
  set(name: string, cached: CachedChild): void;
  delete(name: string): void;
  /** The whole list, sorted by name, if it is another one than last time. */
  news(): readonly Child[] | undefined;
}

export function createChildrenCache(): ChildrenCache {
  const known = new Map<string, CachedChild>();
  const sorted = createSorted((name) => known.get(name)?.child);
  let stat: Stat | undefined;
  let cameOrWent = false;

  return {
    get stat() {
      return stat;
    },
    set stat(next) {
      if ((stat === undefined) !== (next === undefined)) cameOrWent = true;
      stat = next;
    },
    get size() {
      return known.size;
    },
    names: () => [...known.keys()],
    get: (name) => known.get(name),
    set(name, cached) {
      if (known.get(name)?.child !== cached.child) sorted.note(name);
      known.set(name, cached);
    },
    delete(name) {
      if (known.delete(name)) sorted.note(name);
    },
    news() {
      const isNews = cameOrWent || sorted.isNoted;
      cameOrWent = false;
      return isNews ? sorted.list() : undefined;
    },
  };
}
