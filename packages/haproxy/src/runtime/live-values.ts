import type { Desired } from '../desired/desired.ts';
import type { Part } from '../render/layout.ts';

/** What a policy changes without a reload: what HAProxy has of it, and the files that it is read from at a start. */
export interface LiveValues {
  /** Writes the files that lines of these parts name; to be done before HAProxy reads such lines. */
  write(parts: readonly Part[]): Promise<void>;
  /** Tells HAProxy what is otherwise than it has it; answers how many changes that were. */
  sync(desired: ReadonlyMap<string, Desired>, signal: AbortSignal): Promise<number>;
  /** What HAProxy has is not known any more. */
  invalidate(): void;
}

/** Several kinds of them as one; `onChanges` is called with how many changes each `sync` made, where it made some. */
export function together(
  kinds: readonly LiveValues[],
  onChanges: (changes: number) => void,
): LiveValues {
  return {
    write: async (parts) => {
      for (const kind of kinds) await kind.write(parts);
    },
    sync: async (desired, signal) => {
      let changes = 0;
      for (const kind of kinds) changes += await kind.sync(desired, signal);
      if (changes > 0) onChanges(changes);
      return changes;
    },
    invalidate: () => {
      for (const kind of kinds) kind.invalidate();
    },
  };
}

/** A function of what is desired that is asked anew only when that is another object. */
export function byDesired<T>(of: (parts: readonly Part[]) => T) {
  let last: { readonly desired: ReadonlyMap<string, Desired>; readonly value: T } | undefined;
  return (desired: ReadonlyMap<string, Desired>): T => {
    if (last?.desired !== desired)
      last = { desired, value: of([...desired.values()].map(({ part }) => part)) };
    return last.value;
  };
}
