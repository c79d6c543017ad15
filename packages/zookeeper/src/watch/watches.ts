import { onAbort } from '../abort.ts';
import { parentOf } from '../path.ts';

/** The kinds of events that a server sends; ZooKeeper's Watcher.Event.EventType. */
export const eventType = { created: 1, deleted: 2, dataChanged: 3, childrenChanged: 4 } as const;

export interface WatchEvent {
  readonly path: string;
  readonly type: number;
}

/** Passes each watch event to the followers of its path and of the parent path. */
export interface Watches {
  dispatch(event: WatchEvent): void;
  /** Calls the listener with events on a path and on its children until the signal aborts. */
  follow(path: string, listener: (event: WatchEvent) => void, signal: AbortSignal): void;
}

export function createWatches(): Watches {
  const followers = new Map<string, Set<(event: WatchEvent) => void>>();

  function tell(path: string, event: WatchEvent) {
    for (const listener of followers.get(path) ?? []) listener(event);
  }

  return {
    dispatch(event) {
      tell(event.path, event);
      if (event.path !== '/') tell(parentOf(event.path), event);
    },
    follow(path, listener, signal) {
      if (signal.aborted) return;
      const listeners = followers.get(path) ?? new Set();
      followers.set(path, listeners.add(listener));
      onAbort(signal, () => {
        listeners.delete(listener);
        if (listeners.size === 0 && followers.get(path) === listeners) followers.delete(path);
      });
    },
  };
}
