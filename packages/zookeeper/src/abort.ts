interface Listeners {
  readonly all: Set<() => void>;
  readonly tell: () => void;
}

const known = new WeakMap<AbortSignal, Listeners>();

/**
 * Calls the listener once when the signal aborts, at once if it has; the returned function removes the
 * listener. It has a set of its own, since a signal walks its whole list for each listener that is added.
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

/** A signal that aborts with the first of these, or by `end`; `end` also removes the listeners. */
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
