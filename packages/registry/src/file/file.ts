import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { messageOf } from '@smartstack/daemon';

import { createAnnouncements } from '../announcements.ts';
import { createDecoder, type DecoderDeps } from '../instance/decoder.ts';
import { decodeInstance, type Instance } from '../instance/instance.ts';
import type { Registry } from '../registry.ts';
import { announceFile } from './announcement.ts';
import { ending, type FileRecord, watchDirectory } from './directory.ts';

export interface FileRegistryOptions extends DecoderDeps {
  /** The folder that holds everything; created when missing. */
  readonly directory: string;
  /** How often announcements are touched, in milliseconds. Default 2,000. */
  readonly touchInterval?: number;
  /** How old an announcement's last touch may be, in milliseconds. Default 10,000. */
  readonly staleAfter?: number;
  /** How often readers read the folder even without an event, in milliseconds. Default 2,000. */
  readonly rescanInterval?: number;
}

type WatchOptions = Omit<Required<FileRegistryOptions>, 'touchInterval'>;

/**
 * A registry in a folder, for one machine or a shared file system, with no server. An announcement is a
 * file `<directory>/<path>/<name>_<host>_<port>.json` that its owner touches; one that is not
 * touched any more is ignored. Owners' and readers' clocks must agree to within a few seconds.
 */
export function createFileRegistry(options: FileRegistryOptions): Registry {
  const { directory, log, metrics } = options;
  const { touchInterval = 2000, staleAfter = 10_000, rescanInterval = 2000 } = options;
  const disposed = new AbortController();
  const announcements = createAnnouncements();
  return {
    announce: async (path, instance, signal) => {
      const file = join(folderOf(directory, path), fileOf(instance));
      return announcements.add(await announceFile(instance, { file, touchInterval, log }, signal));
    },

    watch: (path, signal) =>
      watchPath(
        path,
        { directory, log, metrics, staleAfter, rescanInterval },
        AbortSignal.any([signal, disposed.signal]),
      ),

    [Symbol.asyncDispose]: async () => {
      disposed.abort();
      await announcements[Symbol.asyncDispose]();
    },
  };
}

/** Yields the instances at a path until the signal aborts; a folder that cannot be read is tried again. */
async function* watchPath(
  path: string,
  { directory, log, metrics, staleAfter, rescanInterval }: WatchOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly Instance[], void> {
  const decode = createDecoder(path, { log, metrics }, decodeInstance, placeOf);
  const fix = 'let this account read the folder, and see that its disk answers';
  while (!signal.aborted) {
    try {
      const folder = folderOf(directory, path);
      for await (const records of watchDirectory(folder, { rescanInterval, staleAfter }, signal))
        yield decode(records);
    } catch (error) {
      log.error({ path, reason: messageOf(error), fix }, 'cannot read the registry folder');
      await sleep(rescanInterval, undefined, { signal }).catch(() => {});
    }
  }
}

function placeOf({ file, mtimeMs }: FileRecord): string {
  return `${file}, touched ${new Date(mtimeMs).toISOString()} when it was read`;
}

function folderOf(directory: string, path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.some((part) => part === '.' || part === '..'))
    throw new Error(`cannot use ${path} as a registry path: it has a . or .. in it`);
  return join(directory, ...parts);
}

function fileOf({ name, host, port }: Instance): string {
  return `${[name ?? '', host, port].map((part) => encodeURIComponent(part)).join('_')}${ending}`;
}
