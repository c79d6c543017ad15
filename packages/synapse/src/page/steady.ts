import type { PageRow } from '@smartstack/daemon';

/**
 * Proxies tell ages in whole seconds, so that the same start comes out a second earlier or later each time.
 * As long as the state is the same, starts that are this near are taken for the same.
 */
export function createSteady() {
  const seen = new Map<string, ReadonlyMap<string, PageRow>>();
  return (service: string, rows: readonly PageRow[]): readonly PageRow[] => {
    const before = seen.get(service);
    const now = new Map<string, PageRow>();
    for (const row of rows) {
      const key = `${row.name} ${row.title}`;
      const old = before?.get(key);
      now.set(key, old?.state === row.state ? steadied(row, old) : row);
    }
    seen.set(service, now);
    return [...now.values()];
  };
}

function steadied(row: PageRow, { since: old }: PageRow): PageRow {
  if (row.since === undefined || old === undefined || Math.abs(row.since - old) >= 2500) return row;
  const until = row.until === undefined ? {} : { until: row.until - row.since + old };
  return { ...row, since: old, ...until };
}
