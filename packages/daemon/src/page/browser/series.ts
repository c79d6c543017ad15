import type { PageSample } from '../model.ts';

/** One number by time; null where there was none. */
export type Series = readonly (readonly [at: number, value: number | null])[];

/** What a service's plot shows of the samples. */
export function seriesOf(samples: readonly PageSample[], service: string, plot: number): Series {
  return samples.map(({ at, values }) => [at, values[service]?.[plot] ?? null]);
}

/** The value below which this share of the numbers lies (nearest rank); undefined without any. */
export function percentile(series: Series, share: number): number | undefined {
  const values = series.flatMap(([, value]) => (value === null ? [] : [value]));
  values.sort((one, other) => one - other);
  return values[Math.max(0, Math.ceil(share * values.length) - 1)];
}

/** The highest number; undefined without any. */
export function highest(series: Series): number | undefined {
  return percentile(series, 1);
}

/** The stretch of time to plot, in milliseconds: as long as there are samples for, from one minute to five. */
export function stretchOf(series: Series, now: number): number {
  return Math.min(300_000, Math.max(60_000, now - (series[0]?.[0] ?? now)));
}

/** The sample nearest to a moment. */
export function nearest(series: Series, at: number): Series[number] | undefined {
  const distance = (one: Series[number]) => Math.abs(one[0] - at);
  return series.reduce<Series[number] | undefined>(
    (best, one) => (best === undefined || distance(one) < distance(best) ? one : best),
    undefined,
  );
}

/** A round number at or above a value, for the top of a plot: 1, 2 or 5 times a power of ten. */
export function roundedUp(value: number): number {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5].find((step) => step * power >= value) ?? 10) * power;
}

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly top: number;
  /** The moments at the left and right edge. */
  readonly from: number;
  readonly to: number;
}

/** Samples further apart than this, in milliseconds, are not joined: the page was not open between them. */
const gap = 6_000;

/** The line through a series, and the area under it, as SVG paths. */
export function pathsOf(
  series: Series,
  { width, height, top, from, to }: Frame,
): { readonly line: string; readonly area: string } {
  const x = (at: number) => round(((at - from) / (to - from)) * width);
  const y = (value: number) => round(height - (Math.min(value, top) / top) * height);
  const runs = runsOf(series.filter(([at]) => at >= from - gap));
  const lines = runs.map((run) => run.map(([at, value]) => `${x(at)} ${y(value)}`).join('L'));
  const areas = runs.map((run, index) => {
    const [first, last] = [run[0]?.[0] ?? 0, run.at(-1)?.[0] ?? 0];
    return `M${x(first)} ${height}L${lines[index]}L${x(last)} ${height}Z`;
  });
  return { line: lines.map((line) => `M${line}`).join(''), area: areas.join('') };
}

/** Stretches of numbers without a gap. */
function runsOf(series: Series): readonly (readonly (readonly [number, number])[])[] {
  const runs: [number, number][][] = [];
  let before: number | undefined;
  for (const [at, value] of series) {
    if (value !== null) {
      if (before === undefined || at - before > gap) runs.push([]);
      runs.at(-1)?.push([at, value]);
    }
    before = value === null ? undefined : at;
  }
  return runs;
}

const round = (value: number) => Math.round(value * 10) / 10;
