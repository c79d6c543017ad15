import { once } from 'node:events';

import { createBackoff } from '@smartstack/daemon';

import { createTrouble, type TroubleDeps } from './trouble.ts';

export interface WithdrawalDeps extends TroubleDeps {
  /** Called when the registry has confirmed it. */
  onWithdrawn?(): void;
  /** Ends withdrawals that the registry does not confirm; without it they are tried for ever. */
  readonly stopWithdrawing?: AbortSignal | undefined;
}

const fix = 'it is tried again; until then others may use the record';

/**
 * Withdraws what is or may be in the registry, again and again until the registry confirms it: until then
 * others may use the record. `onRefused` is called after each failure. Never rejects.
 */
export async function withdraw(
  announced: AsyncDisposable,
  deps: WithdrawalDeps,
  onRefused: () => void,
): Promise<void> {
  const { path, log, onWithdrawn, stopWithdrawing: stop = new AbortController().signal } = deps;
  const backoff = createBackoff({ base: 100, max: 5_000 });
  const trouble = createTrouble('cannot withdraw', fix, deps);
  while (!stop.aborted) {
    try {
      await settledOrStopped(announced[Symbol.asyncDispose](), stop);
      if (stop.aborted) return;
      log.info({ path }, 'withdrawn');
      trouble.over();
      return onWithdrawn?.();
    } catch (error) {
      trouble.report(error);
      onRefused();
      await backoff.wait(stop).catch(() => {});
    }
  }
}

/** Waits for a promise, but no longer than until the signal aborts; rejects when the promise does. */
async function settledOrStopped(what: PromiseLike<void>, signal: AbortSignal): Promise<void> {
  const settled = new AbortController();
  try {
    const stopped = once(signal, 'abort', { signal: settled.signal }).catch(() => {});
    await Promise.race([what, stopped]);
  } finally {
    settled.abort();
  }
}
