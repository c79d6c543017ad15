import { setTimeout as sleep } from 'node:timers/promises';

export interface Refreshing {
  /** How often, in milliseconds. */
  readonly interval: number;
  refresh(): Promise<void>;
  /** Called with the first failure in a row. */
  onFailing(error: unknown): void;
  /** Called at the first success after a failure. */
  onRecovered(): void;
}

/** Refreshes a record that would expire, until the signal aborts; what fails is tried again at the next time. */
export async function keepRefreshed(
  { interval, refresh, onFailing, onRecovered }: Refreshing,
  signal: AbortSignal,
): Promise<void> {
  let failing = false;
  while (await sleep(interval, true, { signal }).catch(() => false)) {
    try {
      await refresh();
      if (failing) onRecovered();
      failing = false;
    } catch (error) {
      if (!failing) onFailing(error);
      failing = true;
    }
  }
}
