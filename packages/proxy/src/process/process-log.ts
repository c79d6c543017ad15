import { open, rename, stat } from 'node:fs/promises';

const maxBytes = 10_000_000;

/** Opens a process' log to append to; one that grew too long is set aside first, one generation. */
export async function openLog(path: string) {
  const size = (await stat(path).catch(() => undefined))?.size ?? 0;
  if (size > maxBytes) await rename(path, `${path}.1`);
  return open(path, 'a', 0o640);
}

/** How long a log is now: where to look for what comes next. */
export async function endOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

/** The alerts that a log got from a place on, on one line; empty when there are none. */
export async function alertsSince(path: string, start: number): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return '';
  try {
    const { size } = await file.stat();
    const from = size < start ? 0 : start;
    const buffer = Buffer.alloc(Math.min(size - from, 65_536));
    await file.read(buffer, 0, buffer.length, from);
    return buffer
      .toString()
      .split('\n')
      .filter((line) => line.startsWith('[ALERT]'))
      .map((line) => line.replace(/^\[ALERT\]\s*\(\d+\)\s*:\s*/, '').trim())
      .join('; ');
  } finally {
    await file.close();
  }
}
