import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks again and again until the answer is neither false, undefined nor an error, and returns it; rejects
 * with the last error after `patience` milliseconds.
 */
export async function until<T>(
  ask: () => T | Promise<T>,
  patience = 30_000,
): Promise<Exclude<Awaited<T>, false | undefined>> {
  const deadline = performance.now() + patience;
  let last: unknown;
  while (true) {
    try {
      const answer = await ask();
      if (answer !== false && answer !== undefined)
        return answer as Exclude<Awaited<T>, false | undefined>;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline)
      throw new Error(`did not come true in ${patience} ms: ${ask.toString()}`, { cause: last });
    await sleep(5);
  }
}
