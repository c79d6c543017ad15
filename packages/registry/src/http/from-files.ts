import { stat } from 'node:fs/promises';

import { type Log, messageOf } from '@smartstack/daemon';

export interface FromFilesOptions<T> {
  readonly files: readonly string[];
  /** Reads the files; rejects where they are no good. */
  make(): Promise<T>;
  /** What it is, for messages: `certificates`. */
  readonly what: string;
  readonly log: Log;
  /** The files are looked at no more often than this, in milliseconds; by default once a second. */
  readonly pause?: number | undefined;
}

/**
 * A value that is made from files, and again once one of them has changed. Rejects while there was no good one;
 * later a bad one is logged once, and the last good stands.
 */
export function createFromFiles<T>({
  files,
  make,
  what,
  log,
  pause = 1_000,
}: FromFilesOptions<T>): () => Promise<T> {
  let good: { readonly value: T; readonly stamp: string } | undefined;
  let looked = Number.NEGATIVE_INFINITY;
  let complaint = '';
  let looking: Promise<T> | undefined;

  async function look(): Promise<T> {
    try {
      const stamp = await stampOf(files);
      if (good?.stamp !== stamp) good = { value: await make(), stamp };
      complaint = '';
    } catch (error) {
      if (!good) throw error;
      const reason = messageOf(error);
      const fix = 'put good files there; they are read again when they change';
      if (reason !== complaint) log.warn({ files, reason, fix }, `${what} kept as they were`);
      complaint = reason;
    }
    looked = performance.now();
    return good.value;
  }

  return () => {
    if (good && (files.length === 0 || performance.now() - looked < pause))
      return Promise.resolve(good.value);
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  };
}

/** Another one once a file has other content; a file that is replaced through a symbolic link has another inode. */
async function stampOf(files: readonly string[]): Promise<string> {
  const all = await Promise.all(files.map((file) => stat(file)));
  return all
    .map(({ ino, size, mtimeMs, ctimeMs }) => [ino, size, mtimeMs, ctimeMs].join())
    .join(' ');
}
