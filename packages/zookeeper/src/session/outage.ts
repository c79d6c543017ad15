import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

export interface OutageOptions {
  /** When the last byte came in, on `performance.now()`'s clock. */
  readonly since: number;
  /** The session timeout, in milliseconds. */
  readonly timeout: number;
  /** Called after one timeout: the servers may have ended the session. */
  onLost(): void;
  /** Called after three: no server accepts the session, or all are behind what it has seen. */
  onGivenUp(): void;
}

const givenUpAfter = 3;

/** Watches the time that passes without a connection; `end` stops it, and resolves once it has. */
export function startOutage(options: OutageOptions): { end(): Promise<void> } {
  const ended = new AbortController();
  const watched = watch(options, ended.signal);
  return {
    end() {
      ended.abort();
      return watched;
    },
  };
}

async function watch({ since, timeout, onLost, onGivenUp }: OutageOptions, signal: AbortSignal) {
  const until = async (rounds: number) => {
    const left = since + rounds * timeout - performance.now();
    await sleep(Math.max(0, left), undefined, { signal }).catch(() => {});
    // After a pause of this process, an answer that waits in the socket goes first.
    await nextTurn();
  };
  await until(1);
  if (!signal.aborted) onLost();
  await until(givenUpAfter);
  if (!signal.aborted) onGivenUp();
}
