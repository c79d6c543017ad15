import { onAbort } from '../abort.ts';

/** Calls each listener with each value, until the listener's signal aborts. Listeners must not throw. */
export interface Emitter<T> {
  emit(value: T): void;
  on(listener: (value: T) => void, signal: AbortSignal): void;
}

export function createEmitter<T>(): Emitter<T> {
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
