import { setTimeout as sleep } from 'node:timers/promises';

import { latencyEnds } from '@smartstack/proxy';

import type { Admin } from './client.ts';
import { inTurns } from './turns.ts';

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

/** How many lines of an answer are read in one turn of the event loop; most are short, a histogram’s takes some 10 µs. */
export const linesPerTurn = 100;

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
    const stats = await readStats(admin, filter, signal);
    last = performance.now();
    return stats;
  };
}

/** The same, asked once: histograms may be of any age. */
export async function readStats(admin: Admin, filter: string, signal: AbortSignal): Promise<Stats> {
  return parseStats(await admin.get(pathOf(filter), signal));
}

/** As text: JSON is four times as long, and is parsed in one turn of the event loop. */
function pathOf(filter: string): string {
  const query = 'format=text&usedonly&histogram_buckets=disjoint';
  return `/stats?${query}&filter=${encodeURIComponent(filter)}`;
}

/** Reads lines such as `name: 7`, or `name: B0.5(0,2) B1(0,0)` of a histogram. */
export async function parseStats(answer: string): Promise<Stats> {
  const values = new Map<string, number>();
  const histograms = new Map<string, readonly number[]>();
  for await (const lines of inTurns(linesOf(answer), linesPerTurn))
    for (const line of lines) {
      const colon = line.indexOf(': ');
      if (colon === -1) continue;
      const name = line.slice(0, colon);
      const text = line.slice(colon + 2);
      if (/^\d+$/.test(text)) values.set(name, Number(text));
      else if (text.startsWith('B')) histograms.set(name, bucketsOf(text));
    }
  return { values, histograms };
}

function* linesOf(text: string): Generator<string, void> {
  let from = 0;
  while (from < text.length) {
    const newline = text.indexOf('\n', from);
    const end = newline === -1 ? text.length : newline;
    yield text.slice(from, end);
    from = end + 1;
  }
}

/** How a name is written in the names of statistics. */
export const statName = (name: string) => name.replaceAll(/:\/\/|:\/|[:\0]/g, '_');

/** Buckets as `Bend(of late,of all time)`. Those of another Envoy may end elsewhere: what is in one counts where that one ends. */
function bucketsOf(text: string): readonly number[] {
  const counts = new Array<number>(latencyEnds.length + 1).fill(0);
  for (const [, upper, count] of text.matchAll(/B([^ (]+)\(\d+,([1-9]\d*)\)/g)) {
    const at = latencyEnds.findIndex((end) => Number(upper) <= end);
    const index = at === -1 ? latencyEnds.length : at;
    counts[index] = (counts[index] ?? 0) + Number(count);
  }
  return counts;
}
