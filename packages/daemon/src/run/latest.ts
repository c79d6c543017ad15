/** A mailbox with one slot: a slow reader sees only the newest value, and memory stays bounded. */
export interface Latest<T> {
  /** Puts the newest value into the slot; what was not taken yet is dropped. */
  set(value: T): void;
  /** Puts a value into the slot unless there is one already. */
  offer(value: T): void;
  /** Ends the iteration after the value in the slot, if any, was taken. */
  end(): void;
  /** Yields the newest value whenever there is one; returns when the signal aborts. One reader at a time. */
  values(signal: AbortSignal): AsyncGenerator<T, void>;
}

export function createLatest<T>(): Latest<T> {
  let slot: { readonly value: T } | undefined;
  let ended = false;
  let wake = () => {};

  async function* values(signal: AbortSignal): AsyncGenerator<T, void> {
    const onAbort = () => wake();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        if (slot) {
          const { value } = slot;
          slot = undefined;
          yield value;
        } else if (ended) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  return {
    set: (value) => {
      slot = { value };
      wake();
    },
    offer: (value) => {
      slot ??= { value };
      wake();
    },
    end: () => {
      ended = true;
      wake();
    },
    values,
  };
}
