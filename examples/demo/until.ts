import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks every few milliseconds until there is an answer, and returns it. Throws after `limit` milliseconds
 * that `what` did not happen, with the last error of the probe as cause, or when the signal aborts.
 */
export async function until<Answer>(
  what: string,
  limit: number,
  probe: () => Answer | undefined | Promise<Answer | undefined>,
  signal: AbortSignal,
): Promise<Answer> {
  const end = performance.now() + limit;
  let cause: unknown;
  while (performance.now() < end) {
    signal.throwIfAborted();
    try {
      const answer = await probe();
      if (answer !== undefined) return answer;
    } catch (error) {
      cause = error;
    }
    await sleep(3);
  }
  throw new Error(`${what}: not within ${limit / 1_000} s`, { cause });
}
