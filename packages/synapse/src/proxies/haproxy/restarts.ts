/** When a HAProxy that died may be started again: at once, but ever later when it keeps dying. */
export interface Restarts {
  /** The earliest time for the next start (`Date.now()`). */
  next(): number;
  /** A start is being tried. */
  started(): void;
}

const base = 250;
const max = 30_000;
/** One that lived this long had no trouble of its own making. */
const longLife = 60_000;

export function createRestarts(): Restarts {
  let last = 0;
  let tries = 0;
  return {
    next: () => (tries < 2 ? 0 : last + Math.min(max, base * 2 ** Math.min(tries, 10))),
    started: () => {
      tries = Date.now() - last > longLife ? 1 : tries + 1;
      last = Date.now();
    },
  };
}
