/** When an API server was last in trouble. */
export interface Health {
  /** The last moment at which a list or a watch failed, on `performance.now`'s clock; undefined for never. */
  last(): number | undefined;
  note(): void;
  /** Whether one of those who ask it fails now. */
  set(who: object, isFailing: boolean): void;
}

export function createHealth(now: () => number = () => performance.now()): Health {
  const failing = new Set<object>();
  let last: number | undefined;
  return {
    last: () => (failing.size > 0 ? now() : last),
    note: () => {
      last = now();
    },
    set: (who, isFailing) => {
      if (isFailing || failing.has(who)) last = now();
      if (isFailing) failing.add(who);
      else failing.delete(who);
    },
  };
}
