import { latencyEnds } from '@smartstack/proxy';

/**
 * How long a share of the answers took at most, in milliseconds, out of how many fell into each bucket: linear
 * within the bucket, as Prometheus' `histogram_quantile` has it. What is longer than the last end is that end.
 * Null where there were no answers.
 */
export function quantile(buckets: readonly number[], share: number): number | null {
  const all = buckets.reduce((sum, count) => sum + count, 0);
  if (all === 0) return null;
  const rank = share * all;
  let below = 0;
  for (const [index, count] of buckets.entries()) {
    const end = latencyEnds[index];
    if (end === undefined) break;
    if (count > 0 && below + count >= rank) {
      const start = latencyEnds[index - 1] ?? 0;
      return start + ((end - start) * (rank - below)) / count;
    }
    below += count;
  }
  return latencyEnds.at(-1) ?? null;
}
