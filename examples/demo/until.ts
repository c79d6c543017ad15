import { setTimeout as sleep } from 'node:timers/promises';

import { createDeadline } from '@smartstack/daemon';

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
  using deadline = createDeadline(limit, signal);
  const { signal: end } = deadline;
  const ended = new Promise<undefined>((resolve) => {
    end.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  let cause: unknown;
  while (!end.aborted) {
    try {
      const answer = await Promise.race([probe(), ended]);
      if (answer !== undefined) return answer;
    } catch (error) {
      cause = error;
    }
    await sleep(3);
  }
  signal.throwIfAborted();
  throw new Error(`${what}: not within ${limit / 1_000} s`, { cause });
}
