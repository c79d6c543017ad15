import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';

/** The limits of a read: a size in bytes, and a signal. */
export interface ReadLimits {
  /** 16 MiB where nothing else is said. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

const mostBytes = 16 * 1024 * 1024;
const block = 65_536;
/** Opening a FIFO without a writer does not block. */
const flags = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * Reads a regular file whole. Rejects for anything else, such as a FIFO, which would be waited for, or a
 * device, which may never end, and for a file that is larger than `limit`.
 */
export async function readRegularFile(
  path: string,
  { limit = mostBytes, signal }: ReadLimits = {},
): Promise<Buffer> {
  await using file = await open(path, flags);
  judge(path, await file.stat());
  const content = createContent(path, limit);
  for (;;) {
    signal?.throwIfAborted();
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(block), 0, block);
    if (bytesRead === 0) return content.whole();
    content.add(buffer.subarray(0, bytesRead));
  }
}

/** The first bytes of a regular file, or all of them where it has no more. */
export async function readRegularStart(path: string, bytes: number): Promise<Buffer> {
  await using file = await open(path, flags);
  judge(path, await file.stat());
  const buffer = Buffer.allocUnsafe(bytes);
  for (let length = 0; ; ) {
    const { bytesRead } = await file.read(buffer, length, bytes - length);
    length += bytesRead;
    if (bytesRead === 0 || length === bytes) return Buffer.from(buffer.subarray(0, length));
  }
}

/** Rejects where a path is that of no regular file. */
export async function expectRegularFile(path: string): Promise<void> {
  judge(path, await stat(path));
}

/** A regular file as text. */
export async function readRegularText(path: string, limits?: ReadLimits): Promise<string> {
  return (await readRegularFile(path, limits)).toString();
}

/** The same, synchronously. */
export function readRegularFileSync(
  path: string,
  { limit = mostBytes }: Pick<ReadLimits, 'limit'> = {},
): Buffer {
  const file = openSync(path, flags);
  try {
    judge(path, fstatSync(file));
    const content = createContent(path, limit);
    for (;;) {
      const buffer = Buffer.allocUnsafe(block);
      const bytesRead = readSync(file, buffer);
      if (bytesRead === 0) return content.whole();
      content.add(buffer.subarray(0, bytesRead));
    }
  } finally {
    closeSync(file);
  }
}

/** Collects what was read up to the limit: a file's stated size is wrong while it grows, and 0 below /proc. */
function createContent(path: string, limit: number) {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    add(chunk: Buffer): void {
      size += chunk.length;
      if (size > limit) throw new Error(`${path} is larger than ${shownSize(limit)}`);
      chunks.push(chunk);
    },
    whole: () => Buffer.concat(chunks, size),
  };
}

function judge(path: string, stats: Stats): void {
  if (!stats.isFile()) throw new Error(`${path} is ${kindOf(stats)}, not a regular file`);
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a FIFO';
  return stats.isSocket() ? 'a socket' : 'a device';
}

function shownSize(bytes: number): string {
  return bytes % 1_048_576 === 0 ? `${bytes / 1_048_576} MiB` : `${bytes} bytes`;
}
