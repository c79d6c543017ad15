import { once } from 'node:events';

import { isAbort } from '@smartstack/daemon';

/** Tasks that come and go while one waits for them all. */
export interface TaskGroup {
  /** Adds a task that ends with its signal; when it fails for another reason, so does the group. */
  add(task: Promise<void>, signal: AbortSignal): void;
  /** Resolves when the group's signal was aborted and every task has ended; rejects with the first failure. */
  done(): Promise<void>;
}

/** An empty group that lasts until the signal aborts. */
export function createTaskGroup(signal: AbortSignal): TaskGroup {
  const running = new Set<Promise<void>>();
  let fail = (_: unknown) => {};
  const failure = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failure.catch(() => {});
  return {
    add: (task, own) => {
      const guarded = task
        .catch((error: unknown) => {
          if (!isAbort(error, own)) fail(error);
        })
        .finally(() => running.delete(guarded));
      running.add(guarded);
    },
    done: async () => {
      if (!signal.aborted) await Promise.race([failure, once(signal, 'abort')]);
      await Promise.race([failure, Promise.all(running)]);
    },
  };
}
