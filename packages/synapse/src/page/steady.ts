import type { PageRow } from '@smartstack/daemon';

/**
 * Proxies tell ages in whole seconds, so that the same start comes out a second earlier or later each time.
 * Starts that are this near are taken for the same.
 */
export function createSteady() {
  const seen = new Map<string, ReadonlyMap<string, PageRow>>();
  return (service: string, rows: readonly PageRow[]): readonly PageRow[] => {
    const before = seen.get(service);
    const now = new Map<string, PageRow>();
    for (const row of rows) {
      const key = `${row.name} ${row.title}`;
      const old = before?.get(key)?.since;
      const isSame =
        row.since !== undefined && old !== undefined && Math.abs(row.since - old) < 2500;
      now.set(key, isSame ? { ...row, since: old } : row);
    }
    seen.set(service, now);
    return [...now.values()];
  };
}
