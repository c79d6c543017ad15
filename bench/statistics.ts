/** Percentiles of measured values, by the nearest-rank method. */
export interface Summary {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export function summarise(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

/** One row of a table of milliseconds. */
export function row(label: string, { count, p50, p95, p99 }: Summary): string {
  const cells = [p50, p95, p99].map((value) => value.toFixed(2).padStart(9));
  return `${label.padEnd(44)}${cells.join('')}${String(count).padStart(7)}`;
}

export const heading = `${'milliseconds'.padEnd(44)}${['p50', 'p95', 'p99', 'n'].map((name, i) => name.padStart(i === 3 ? 7 : 9)).join('')}`;
