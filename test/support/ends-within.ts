import { setTimeout as sleep } from 'node:timers/promises';

const step = 50;

/**
 * What work gives; rejects when it takes longer than a time in milliseconds. That time is counted in turns of the
 * event loop, which the work has too: what others take of the process or the machine meanwhile is not the work's.
 */
export async function endsWithin<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = async () => {
    for (let time = 0; time < milliseconds; time += step)
      await sleep(step, undefined, { signal: over.signal });
    throw new Error(`no end within ${milliseconds} ms`);
  };
  const lateness = late();
  lateness.catch(() => {});
  try {
    return await Promise.race([work, lateness]);
  } finally {
    over.abort();
  }
}
