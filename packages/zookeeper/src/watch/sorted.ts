import { placeIn } from '@smartstack/daemon';

import type { Child } from '../contract.ts';

/** A path's children sorted by name; a few changes do not sort the whole list again. */
export interface Sorted {
  /** Whether a child was noted since the last list. */
  readonly isNoted: boolean;
  /** A child was added, removed or replaced. */
  note(name: string): void;
  /** A new list each time; earlier ones never change. */
  list(): readonly Child[];
}

/** Up to this many are inserted one by one. */
const few = 32;

/** `childOf` gives the child of a name as it is now; undefined once it is gone. */
export function createSorted(childOf: (name: string) => Child | undefined): Sorted {
  const noted = new Set<string>();
  let last: readonly Child[] = [];

  return {
    get isNoted() {
      return noted.size > 0;
    },
    note: (name) => void noted.add(name),
    list() {
      const kept = last.filter(({ name }) => !noted.has(name));
      const fresh = [...noted].flatMap((name) => childOf(name) ?? []);
      last = fresh.length > few ? [...kept, ...fresh].sort(byName) : withEach(kept, fresh);
      noted.clear();
      return last;
    },
  };
}

const byName = (one: Child, other: Child) => (one.name < other.name ? -1 : 1);

function withEach(list: Child[], fresh: readonly Child[]): readonly Child[] {
  for (const child of fresh)
    list.splice(
      placeIn(list, ({ name }) => name < child.name),
      0,
      child,
    );
  return list;
}
