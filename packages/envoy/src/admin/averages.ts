import { latencyEnds } from '@smartstack/proxy';

/** How long answers took on average, of those that came since the time before, or longer ago where none did. */
export interface Averages {
  /** In milliseconds, taken from the middle of each bucket; undefined where there never was an answer. */
  of(service: string, buckets: readonly number[]): number | undefined;
  /** Forgets all others. */
  keep(services: { has(name: string): boolean }): void;
}

export function createAverages(): Averages {
  const before = new Map<string, { buckets: readonly number[]; average: number | undefined }>();
  return {
    of: (service, buckets) => {
      const last = before.get(service);
      const isSame = last && buckets.every((count, at) => count >= (last.buckets[at] ?? 0));
      const news = buckets.map((count, at) => count - (isSame ? (last.buckets[at] ?? 0) : 0));
      const average = meanOf(news) ?? last?.average;
      before.set(service, { buckets, average });
      return average;
    },
    keep: (services) => {
      for (const name of before.keys()) if (!services.has(name)) before.delete(name);
    },
  };
}

/** What is longer than the last end counts as that long. */
const middles = [...latencyEnds, latencyEnds.at(-1) ?? 0].map(
  (end, at) => ((latencyEnds[at - 1] ?? 0) + end) / 2,
);

function meanOf(buckets: readonly number[]): number | undefined {
  const count = buckets.reduce((sum, one) => sum + one, 0);
  if (count === 0) return undefined;
  return buckets.reduce((sum, one, at) => sum + one * (middles[at] ?? 0), 0) / count;
}
