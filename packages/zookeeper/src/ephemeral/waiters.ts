import { onAbort } from '../abort.ts';
import { keepError } from './error.ts';

/** A caller that waits until the node has the data that it asked for. */
export interface Waiter {
  readonly done: Promise<void>;
  /** Resolves `done`, or rejects it with an error. */
  settle(error?: unknown): void;
}

/** The callers that wait for one ephemeral. */
export interface Waiters {
  /** Waits until settled, or rejects as aborted when the signal aborts. */
  add(signal?: AbortSignal): Waiter;
  /** Those that wait now. */
  present(): readonly Waiter[];
}

export function createWaiters(path: string): Waiters {
  const waiting = new Set<Waiter>();

  return {
    add(signal) {
      let off = () => {};
      const waiter = createWaiter(() => {
        waiting.delete(waiter);
        off();
      });
      waiting.add(waiter);
      if (signal)
        off = onAbort(signal, () => {
          const { reason: cause } = signal;
          waiter.settle(keepError(path, { code: 'ABORTED', reason: 'aborted', cause }));
        });
      return waiter;
    },
    present: () => [...waiting],
  };
}

function createWaiter(onSettled: () => void): Waiter {
  let resolve = () => {};
  let reject = (_: unknown) => {};
  const done = new Promise<void>((...ends) => {
    [resolve, reject] = ends;
  });
  return {
    done,
    settle(error) {
      onSettled();
      if (error === undefined) resolve();
      else reject(error);
    },
  };
}
