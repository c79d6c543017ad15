/** When an API server was last in trouble. */
export interface Health {
  /** The last moment at which a list or a watch failed, on `performance.now`'s clock; undefined for never. */
  last(): number | undefined;
  note(): void;
  /** Whether it fails now. */
  set(isFailing: boolean): void;
}

export function createHealth(now: () => number = () => performance.now()): Health {
  let isFailing = false;
  let last: number | undefined;
  return {
    last: () => (isFailing ? now() : last),
    note: () => {
      last = now();
    },
    set: (next) => {
      if (isFailing || next) last = now();
      isFailing = next;
    },
  };
}
