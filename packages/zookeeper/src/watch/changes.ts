import { onAbort } from '../abort.ts';
import { eventType, type WatchEvent } from './watches.ts';

/** What has to be looked at again. */
export interface Todo {
  /** The list of children may have changed. */
  readonly list: boolean;
  /** These children's data may have changed. */
  readonly members: readonly string[];
  /** Watches were lost with a connection: each member needs a new one. */
  readonly sweep: boolean;
  /** It is time to compare everything with the server's truth. */
  readonly audit: boolean;
}

/** Gathers what happened to one path and its children until someone has time for it. */
export interface Changes {
  note(event: WatchEvent): void;
  add(todo: Partial<Todo>): void;
  /** Takes the children that were deleted since the last time; one of them may be back under its name. */
  deleted(): readonly string[];
  /** Whether a look at this member, or at the list, is already due. */
  expects(member?: string): boolean;
  /** Resolves to true when there is something to do, to false when the signal aborts. */
  wait(signal: AbortSignal): Promise<boolean>;
  take(): Todo;
}

/** Starts with the list to be read; `interval` is the mean time between audits, in milliseconds. */
export function createChanges(path: string, interval: number): Changes {
  const members = new Set<string>();
  const deleted = new Set<string>();
  let list = true;
  let sweep = false;
  let audit = false;
  let nextAudit = performance.now() + jittered(interval);
  let wake = () => {};

  function add(todo: Partial<Todo>) {
    list ||= todo.list ?? false;
    sweep ||= todo.sweep ?? false;
    audit ||= todo.audit ?? false;
    for (const name of todo.members ?? []) members.add(name);
    wake();
  }

  const due = () => list || sweep || audit || members.size > 0;

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
      else if (type !== eventType.childrenChanged) add({ members: [name] });
    },
    deleted() {
      const names = [...deleted];
      deleted.clear();
      return names;
    },
    expects: (member) => list || (member !== undefined && members.has(member)),
    async wait(signal) {
      while (!due() && !signal.aborted) {
        await quiet(signal, nextAudit - performance.now(), (resume) => {
          wake = resume;
        });
        if (performance.now() >= nextAudit) {
          audit = true;
          nextAudit = performance.now() + jittered(interval);
        }
      }
      return !signal.aborted;
    },
    take() {
      const todo = { list, members: [...members], sweep, audit };
      list = sweep = audit = false;
      members.clear();
      return todo;
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
