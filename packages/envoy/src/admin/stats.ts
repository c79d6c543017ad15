import { setTimeout as sleep } from 'node:timers/promises';

import { isRecord } from '@smartstack/daemon';
import { latencyEnds } from '@smartstack/proxy';

import type { Admin } from './client.ts';

/** Statistics of Envoy by their full names, such as `http.web.downstream_rq_completed`. */
export interface Stats {
  readonly values: ReadonlyMap<string, number>;
  /** How many values came into each bucket of `latencyEnds`, and into one more that has no end. */
  readonly histograms: ReadonlyMap<string, readonly number[]>;
}

/** How long Envoy's threads have to bring what they counted together, in milliseconds. */
const mergeTime = 100;

/** How old histograms may be, in milliseconds. */
const freshness = 5_000;

/**
 * Reads the statistics whose names a regular expression (RE2) matches, of those that were ever counted. Histograms are
 * as they were when somebody asked before: this asks twice where that was long ago.
 */
export function createStatsReader(
  admin: Admin,
  filter: string,
): (signal: AbortSignal) => Promise<Stats> {
  let last = Number.NEGATIVE_INFINITY;
  return async (signal) => {
    if (performance.now() - last > freshness) {
      await admin.get(pathOf('^$'), signal);
      await sleep(mergeTime, undefined, { signal });
    }
    const answer = await admin.get(pathOf(filter), signal);
    last = performance.now();
    return parseStats(JSON.parse(answer));
  };
}

function pathOf(filter: string): string {
  const query = 'format=json&usedonly&histogram_buckets=disjoint';
  return `/stats?${query}&filter=${encodeURIComponent(filter)}`;
}

export function parseStats(answer: unknown): Stats {
  const values = new Map<string, number>();
  const histograms = new Map<string, readonly number[]>();
  const entries: unknown = isRecord(answer) ? answer.stats : undefined;
  for (const entry of Array.isArray(entries) ? entries : []) {
    if (!isRecord(entry)) continue;
    if (typeof entry.name === 'string' && typeof entry.value === 'number')
      values.set(entry.name, entry.value);
    for (const histogram of Array.isArray(entry.histograms) ? entry.histograms : [])
      if (isRecord(histogram) && typeof histogram.name === 'string')
        histograms.set(histogram.name, bucketsOf(histogram.buckets));
  }
  return { values, histograms };
}

/** How a name is written in the names of statistics. */
export const statName = (name: string) => name.replaceAll(/:\/\/|:\/|[:\0]/g, '_');

/** Buckets of another Envoy may end elsewhere: what is in one counts where that one ends. */
function bucketsOf(buckets: unknown): readonly number[] {
  const counts = new Array<number>(latencyEnds.length + 1).fill(0);
  for (const bucket of Array.isArray(buckets) ? buckets : []) {
    const at = latencyEnds.findIndex((end) => Number(bucket.upper_bound) <= end);
    const index = at === -1 ? latencyEnds.length : at;
    counts[index] = (counts[index] ?? 0) + Number(bucket.cumulative);
  }
  return counts;
}
