import type { Gate } from '../operations/gate.ts';

/** How many names are asked for together. */
const batchSize = 64;

/** Runs the task for all names, a batch at a time; waits for each batch whole, and throws its first error. */
export async function inBatches(
  gate: Gate,
  names: readonly string[],
  task: (name: string) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < names.length; at += batchSize) {
    const results = await gate.run(() =>
      Promise.allSettled(names.slice(at, at + batchSize).map(task)),
    );
    const failure = results.find((result) => result.status === 'rejected');
    if (failure) throw failure.reason;
  }
}
