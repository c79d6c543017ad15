import { createLatest, type Latest } from './latest.ts';

/** A value that many readers follow, each at its own pace; a slow reader sees only the newest. */
export interface Broadcast<T> {
  readonly present: T;
  set(value: T): void;
  /** Ends every reader once it has the present value, later ones too. */
  end(): void;
  /** Yields the present value, then the newest as it changes; returns when the signal aborts. */
  values(signal: AbortSignal): AsyncGenerator<T, void>;
}

export function createBroadcast<T>(first: T): Broadcast<T> {
  const readers = new Set<Latest<T>>();
  let present = first;
  let ended = false;

  async function* values(signal: AbortSignal): AsyncGenerator<T, void> {
    const latest = createLatest<T>();
    latest.set(present);
    if (ended) latest.end();
    readers.add(latest);
    try {
      yield* latest.values(signal);
    } finally {
      readers.delete(latest);
    }
  }

  return {
    get present() {
      return present;
    },
    set: (value) => {
      present = value;
      for (const reader of readers) reader.set(value);
    },
    end: () => {
      ended = true;
      for (const reader of readers) reader.end();
    },
    values,
  };
}
