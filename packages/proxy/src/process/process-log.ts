import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm, stat, truncate } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

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
 * writes at the new end). Lines that come between the last read and that are lost. Where no copy can
 * be kept, since the disk is full, the log is emptied all the same, and then this rejects. Answers whether it did.
 */
export async function boundLog(path: string, { most, aside }: LogBound): Promise<boolean> {
  if ((await extentOf(path)).used <= most) return false;
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

/**
 * Where the text of a log begins, and how much room it takes: a process that lost `O_APPEND` goes on where it was
 * when the log was emptied, behind a hole.
 */
async function extentOf(path: string) {
  const { size = 0, blocks = 0 } = (await stat(path).catch(() => undefined)) ?? {};
  const isWhole = size === 0 || (await firstByte(path)) !== 0;
  const used = isWhole ? size : Math.min(size, blocks * blockSize);
  return { start: size - used, used };
}

async function firstByte(path: string): Promise<number | undefined> {
  await using file = await open(path, 'r');
  const { buffer } = await file.read({ buffer: Buffer.alloc(1), position: 0 });
  return buffer[0];
}

/** What `stat` counts in. */
const blockSize = 512;

/** A copy of all that there is, but the hole before it; of what comes meanwhile, as much as cannot hold it up. */
async function copyLog(path: string, to: string): Promise<void> {
  const { start, used } = await extentOf(path);
  const end = start + used + mostMeanwhile;
  await pipeline(createReadStream(path, { start, end }), createWriteStream(to, { mode: 0o640 }));
}

const mostMeanwhile = 67_108_864;

/** How long a log is now: where to look for what comes next. */
export async function endOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

/** The alerts that a log got from a place on, on one line; empty when there are none. */
export async function alertsSince(path: string, start: number): Promise<string> {
  return (await textSince(path, start))
    .split('\n')
    .filter((line) => line.startsWith('[ALERT]'))
    .map((line) => line.replace(/^\[ALERT\]\s*\(\d+\)\s*:\s*/, '').trim())
    .join('; ');
}

/** What a log got from a place on, at most the first 64 KB; all of it where it was emptied meanwhile. */
export async function textSince(path: string, start: number): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return '';
  try {
    const { size } = await file.stat();
    const from = size < start ? 0 : start;
    const buffer = Buffer.alloc(Math.min(size - from, 65_536));
    await file.read(buffer, 0, buffer.length, from);
    return buffer.toString();
  } finally {
    await file.close();
  }
}
