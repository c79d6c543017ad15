import { onAbort } from '../abort.ts';

/** Tells whoever listens, until their signal aborts. Listeners only note what they heard: they never throw. */
export interface Hub<T> {
  emit(value: T): void;
  on(listener: (value: T) => void, signal: AbortSignal): void;
}

export function createHub<T>(): Hub<T> {
  const listeners = new Set<(value: T) => void>();
  return {
    emit: (value) => {
      for (const listener of listeners) listener(value);
    },
    on(listener, signal) {
      if (signal.aborted) return;
      listeners.add(listener);
      onAbort(signal, () => listeners.delete(listener));
    },
  };
}
