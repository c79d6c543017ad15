import { setMaxListeners } from 'node:events';

/** Calls the listener once when the signal aborts, at once if it has. One signal may well end thousands of things. */
export function onAbort(signal: AbortSignal, listener: () => void) {
  if (signal.aborted) return listener();
  setMaxListeners(0, signal);
  signal.addEventListener('abort', listener, { once: true });
}
