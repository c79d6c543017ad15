import { onAbort } from '../abort.ts';
import { keepError } from './error.ts';

/** Somebody who waits until the node has the data that they asked for. */
export interface Waiter {
  readonly done: Promise<void>;
  /** Resolves `done`, or rejects it with an error. */
  settle(error?: unknown): void;
}

/** All who wait for one ephemeral. */
export interface Waiters {
  /** Waits until settled, or rejects as aborted when the signal aborts. */
  add(signal?: AbortSignal): Waiter;
  /** Those who wait now. */
  present(): readonly Waiter[];
}

export function createWaiters(path: string): Waiters {
  const waiting = new Set<Waiter>();

  return {
    add(signal) {
      let resolve = () => {};
      let reject = (_: unknown) => {};
      let off = () => {};
      const done = new Promise<void>((...ends) => {
        [resolve, reject] = ends;
      });
      const waiter: Waiter = {
        done,
        settle(error) {
          waiting.delete(waiter);
          off();
          if (error === undefined) resolve();
          else reject(error);
        },
      };
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
