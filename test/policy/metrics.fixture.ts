import { expect } from 'vitest';

/** The value of a series; undefined where there is none. */
export function valueIn(text: string, series: string): number | undefined {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

/** The counts of a histogram's buckets by their upper ends, without those that add nothing. */
export function bucketsIn(text: string, labels: string): Readonly<Record<string, number>> {
  const name = 'smartstack_request_duration_seconds_bucket';
  let before = 0;
  const own: Record<string, number> = {};
  for (const [, end = '', count] of text.matchAll(
    new RegExp(`^${name}\\{${labels},le="([^"]+)"\\} (\\d+)$`, 'gm'),
  )) {
    expect(Number(count)).toBeGreaterThanOrEqual(before);
    if (Number(count) > before) own[end] = Number(count) - before;
    before = Number(count);
  }
  return own;
}
