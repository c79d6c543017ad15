import { onAbort } from '../abort.ts';
import { eventType, type WatchEvent } from './watches.ts';

/** What has to be asked again. */
export interface Due {
  /** The list of children may have changed. */
  readonly list: boolean;
  /** These children's data may have changed. */
  readonly children: readonly string[];
  /** Watches were lost with a connection: each child needs a new one. */
  readonly rewatch: boolean;
  /** It is time to compare what is known with the server. */
  readonly resync: boolean;
}

/** Collects what happened to one path and its children until it is asked for. */
export interface Changes {
  note(event: WatchEvent): void;
  add(more: Partial<Due>): void;
  /** Takes the children that were deleted since the last time; one of them may be back under its name. */
  deleted(): readonly string[];
  /** Whether this child, or the list, is due to be asked already. */
  isDue(child?: string): boolean;
  /** Resolves to true when something is due, to false when the signal aborts. */
  wait(signal: AbortSignal): Promise<boolean>;
  take(): Due;
}

/** Starts with the list to be read; `interval` is the mean time between resyncs, in milliseconds. */
export function createChanges(path: string, interval: number): Changes {
  const children = new Set<string>();
  const deleted = new Set<string>();
  let list = true;
  let rewatch = false;
  let resync = false;
  let nextResync = performance.now() + jittered(interval);
  let wake = () => {};

  function add(more: Partial<Due>) {
    list ||= more.list ?? false;
    rewatch ||= more.rewatch ?? false;
    resync ||= more.resync ?? false;
    for (const name of more.children ?? []) children.add(name);
    wake();
  }

  const isAnyDue = () => list || rewatch || resync || children.size > 0;

  return {
    add,
    note({ path: changed, type }) {
      if (changed === path) {
        if (type !== eventType.dataChanged) add({ list: true });
        return;
      }
      const name = changed.slice(changed.lastIndexOf('/') + 1);
      // The path's own event follows, and with it the new list.
      if (type === eventType.deleted) deleted.add(name);
      else if (type !== eventType.childrenChanged) add({ children: [name] });
    },
    deleted() {
      const names = [...deleted];
      deleted.clear();
      return names;
    },
    isDue: (child) => list || (child !== undefined && children.has(child)),
    async wait(signal) {
      while (!isAnyDue() && !signal.aborted) {
        await quiet(signal, nextResync - performance.now(), (resume) => {
          wake = resume;
        });
        if (performance.now() >= nextResync) {
          resync = true;
          nextResync = performance.now() + jittered(interval);
        }
      }
      return !signal.aborted;
    },
    take() {
      const taken = { list, children: [...children], rewatch, resync };
      list = rewatch = resync = false;
      children.clear();
      return taken;
    },
  };
}

/** Waits for a time, a wake-up or the signal, whichever is first; never rejects. */
function quiet(
  signal: AbortSignal,
  milliseconds: number,
  onWake: (resume: () => void) => void,
): Promise<void> {
  return new Promise((resolve) => {
    let off = () => {};
    const done = () => {
      clearTimeout(timer);
      off();
      resolve();
    };
    const timer = setTimeout(done, Math.max(0, milliseconds));
    off = onAbort(signal, done);
    onWake(done);
  });
}

function jittered(interval: number): number {
  return interval * (0.5 + Math.random());
}
