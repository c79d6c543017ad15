/** Choices that follow from a seed alone. */
export interface Chance {
  /** A number from `least` up to `most`. */
  between(least: number, most: number): number;
  pick<T>(items: readonly T[]): T;
  /** Whether something of this probability happens. */
  happens(probability: number): boolean;
  /** Choices of one's own, whatever others do meanwhile. */
  fork(): Chance;
}

/** The generator is mulberry32: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
export function createChance(seed: number): Chance {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  return {
    between: (least, most) => least + next() * (most - least),
    pick: <T>(items: readonly T[]) => items[Math.floor(next() * items.length)] as T,
    happens: (probability) => next() < probability,
    fork: () => createChance(Math.floor(next() * 2 ** 32)),
  };
}
