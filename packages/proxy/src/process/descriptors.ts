import { readFile } from 'node:fs/promises';

/** How many files a process may have open. */
export async function descriptorLimit(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1];
  return hard === undefined ? 4096 : Number(hard);
}

/** Connections that a limit allows: two descriptors each, and a fifth left for checks and listeners. */
export function maxconnFor(limit: number): number {
  return Math.max(10, Math.min(20_000, Math.floor(limit * 0.4)));
}
