import { copyFile, open, rename, rm, stat, truncate } from 'node:fs/promises';

const maxBytes = 10_000_000;

/** Opens a process' log to append to; one that grew too long is set aside first, one generation. */
export async function openLog(path: string) {
  const size = (await stat(path).catch(() => undefined))?.size ?? 0;
  if (size > maxBytes) await rename(path, `${path}.1`);
  return open(path, 'a', 0o640);
}

/** When a log is set aside while it is written to, and where; one generation. */
export interface LogBound {
  readonly most: number;
  readonly aside: string;
}

export const usualBound = (path: string): LogBound => ({ most: maxBytes, aside: `${path}.1` });

/**
 * Sets a log aside that grew over its bound, and empties it, while its process goes on to append (`O_APPEND`: it
 * writes at the new end). Lines that come in the moment between the last look and that are lost. Where no copy can
 * be kept, since the disk is full, the log is emptied all the same, and then this rejects. Answers whether it did.
 */
export async function boundLog(path: string, { most, aside }: LogBound): Promise<boolean> {
  const size = await endOf(path);
  if (size <= most) return false;
  try {
    await copyLog(path, `${aside}.part`);
    await truncate(path);
    await rename(`${aside}.part`, aside);
  } catch (error) {
    await truncate(path);
    await rm(`${aside}.part`, { force: true, recursive: true });
    throw error;
  }
  return true;
}

/** A copy of all that there is, as far as a few looks find its end. */
async function copyLog(path: string, to: string): Promise<void> {
  await copyFile(path, to);
  for (let looks = 0; looks < 3; looks++) if (!(await appendRest(path, to))) return;
}

/** Appends what came to a log since it was copied; answers whether something did. */
async function appendRest(path: string, to: string): Promise<boolean> {
  const [from, end] = [await endOf(to), await endOf(path)];
  if (end <= from) return false;
  await using source = await open(path, 'r');
  await using target = await open(to, 'a');
  const buffer = Buffer.alloc(Math.min(end - from, 4_194_304));
  const { bytesRead } = await source.read(buffer, 0, buffer.length, from);
  await target.write(buffer, 0, bytesRead);
  return bytesRead > 0;
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
