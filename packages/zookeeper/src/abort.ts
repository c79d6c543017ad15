interface Listeners {
  readonly all: Set<() => void>;
  readonly tell: () => void;
}

const known = new WeakMap<AbortSignal, Listeners>();

/**
 * Calls the listener once when the signal aborts, at once if it has; the function that is returned takes
 * it off. One signal may well end thousands of things: a signal's own list is walked for each that is added.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener();
    return () => {};
  }
  const { all, tell } = known.get(signal) ?? listenTo(signal);
  all.add(listener);
  return () => {
    if (!all.delete(listener) || all.size > 0) return;
    signal.removeEventListener('abort', tell);
    known.delete(signal);
  };
}

function listenTo(signal: AbortSignal): Listeners {
  const all = new Set<() => void>();
  const tell = () => {
    for (const listener of all) listener();
  };
  const listeners = { all, tell };
  known.set(signal, listeners);
  signal.addEventListener('abort', tell, { once: true });
  return listeners;
}

/** An end of one's own, which any of these signals brings too. Call `end` when it is over: they forget it then. */
export function endWith(...signals: readonly AbortSignal[]): {
  readonly signal: AbortSignal;
  end(): void;
} {
  const ended = new AbortController();
  const offs = signals.map((signal) => onAbort(signal, () => ended.abort(signal.reason)));
  return {
    signal: ended.signal,
    end: () => {
      for (const off of offs) off();
      ended.abort();
    },
  };
}
