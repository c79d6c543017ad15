import { watch } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { hasCode, readRegularStart } from '@smartstack/daemon';

import type { RegistryRecord } from '../instance/record.ts';

/** The limit of a record's length, in bytes; ZooKeeper's own. */
const mostBytes = 65_537;

/** One announcement file. */
export interface FileRecord extends RegistryRecord {
  readonly file: string;
  /** When it was touched last, as it was read. */
  readonly mtimeMs: number;
}

export interface DirectoryWatchOptions {
  /** How often the folder is read whether or not a change was seen, in milliseconds. */
  readonly rescanInterval: number;
  /** Files not touched for this long are ignored, in milliseconds. */
  readonly staleAfter: number;
}

/** Files by name; a file's buffer stays the same object while its content does. */
type Files = ReadonlyMap<
  string,
  { readonly mtimeMs: number; readonly ino: number; readonly data: Buffer }
>;

/**
 * Yields the fresh announcement files of a folder, which is created when missing, then again whenever
 * they differ. Watches and rescans: a file system that reports no changes is only slower.
 */
export async function* watchDirectory(
  directory: string,
  { rescanInterval, staleAfter }: DirectoryWatchOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly FileRecord[], void> {
  await mkdir(directory, { recursive: true });
  const changes = createChangeSignal(directory, signal);
  let files: Files = new Map();
  let last: readonly FileRecord[] | undefined;
  try {
    while (!signal.aborted) {
      changes.arm();
      files = await scan(directory, files);
      const records = freshRecords(directory, files, Date.now() - staleAfter);
      if (!last || !same(last, records)) {
        last = records;
        yield records;
      }
      await changes.wait(rescanInterval);
    }
  } finally {
    changes.close();
  }
}

function freshRecords(directory: string, files: Files, oldest: number): readonly FileRecord[] {
  return [...files]
    .filter(([, { mtimeMs }]) => mtimeMs >= oldest)
    .map(([name, { data, mtimeMs }]) => ({
      id: name.slice(0, -ending.length),
      data,
      file: join(directory, name),
      mtimeMs,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The ending of announcement files; writers' temporary files start with a dot. */
export const ending = '.json';

async function scan(directory: string, before: Files): Promise<Files> {
  const names = await readdir(directory).catch(emptyWhenGone<string[]>([]));
  const wanted = names.filter((name) => name.endsWith(ending) && !name.startsWith('.'));
  const entries = await Promise.all(wanted.map((name) => read(directory, name, before.get(name))));
  return new Map(entries.flatMap((entry) => (entry ? [entry] : [])));
}

type Entry = readonly [string, { mtimeMs: number; ino: number; data: Buffer }];

async function read(
  directory: string,
  name: string,
  before: Entry[1] | undefined,
): Promise<Entry | undefined> {
  const path = join(directory, name);
  const found = await stat(path).catch(emptyWhenGone(undefined));
  if (!found?.isFile()) return undefined;
  const { mtimeMs, ino } = found;
  if (before?.ino === ino && before.mtimeMs === mtimeMs)
    return [name, { mtimeMs, ino, data: before.data }];
  const data = await readRegularStart(path, mostBytes).catch(emptyWhenGone(undefined));
  return data && [name, { mtimeMs, ino, data: before?.data.equals(data) ? before.data : data }];
}

function emptyWhenGone<T>(empty: T): (error: unknown) => T {
  return (error) => {
    if (hasCode(error, 'ENOENT')) return empty;
    throw error;
  };
}

function same(a: readonly RegistryRecord[], b: readonly RegistryRecord[]): boolean {
  return (
    a.length === b.length &&
    a.every((record, i) => record.id === b[i]?.id && record.data === b[i].data)
  );
}

/**
 * Turns a folder's events into one wait; on file systems without events only time ends it. Writers rename
 * files into place, so that a touch, which is no rename, ends no wait.
 */
function createChangeSignal(directory: string, signal: AbortSignal) {
  let changed = new AbortController();
  const wake = () => changed.abort();
  signal.addEventListener('abort', wake);
  const watcher = watch(directory, (event) => {
    if (event === 'rename') wake();
  });
  watcher.on('error', () => watcher.close());
  return {
    arm: () => {
      if (!signal.aborted) changed = new AbortController();
    },
    wait: async (milliseconds: number) => {
      await sleep(milliseconds, undefined, { signal: changed.signal }).catch(() => {});
    },
    close: () => {
      signal.removeEventListener('abort', wake);
      watcher.close();
    },
  };
}
