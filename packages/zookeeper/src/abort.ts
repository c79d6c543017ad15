import { setMaxListeners } from 'node:events';

/** Calls the listener once when the signal aborts. One signal may well end thousands of things. */
export function onAbort(signal: AbortSignal, listener: () => void) {
  setMaxListeners(0, signal);
  signal.addEventListener('abort', listener, { once: true });
}
