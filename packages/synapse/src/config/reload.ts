import { type FSWatcher, watch } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { createLastGood, createLatest, type Log, messageOf } from '@smartstack/daemon';

import { type LoadedConfig, type LoadOptions, loadConfig } from './config.ts';
import { readConfigFile } from './read-config-file.ts';

/** A configuration file that can be read again while it is in use. */
export interface Reloader {
  /** Reads everything for the first time; throws a `ConfigError` that lists every problem. */
  load(): Promise<LoadedConfig>;
  /** Asks for everything to be read again. */
  request(): void;
  /**
   * Yields a configuration whenever it was asked for or a file of `service_conf_dir` changed. A bad file
   * there keeps its last good content, a bad main file keeps everything; either is logged. Ends when the
   * signal aborts.
   */
  changes(signal: AbortSignal): AsyncIterable<LoadedConfig>;
  /** What is wrong with the files as they are now; empty when all are in use. */
  problems(): readonly string[];
}

/** Editors and copies write a file in several steps: this long after the first, all of it is read. */
const settle = 150;

export interface ReloaderOptions extends Pick<LoadOptions, 'strict'> {
  log(): Log;
}

export function createReloader(file: string, { log, strict }: ReloaderOptions): Reloader {
  const requests = createLatest<void>();
  const source = createLastGood(readConfigFile, (readService) =>
    loadConfig(file, { readService, strict }),
  );
  let problems: readonly string[] = [];
  let first: Loaded | undefined;
  let current: LoadedConfig | undefined;
  let isAsked = false;

  /** Reads everything again. One save is several events of a file system: what is wrong is said once. */
  async function again(isForced: boolean): Promise<LoadedConfig | undefined> {
    const found = await source.loadAgain();
    const isNew = isForced || !isDeepStrictEqual(found.problems, problems);
    problems = found.problems;
    if (isNew && problems.length > 0)
      log().error({ problems }, 'bad configuration: what was good before stays in use');
    return found.loaded;
  }

  function isChanged(loaded: LoadedConfig): boolean {
    const before = current;
    current = loaded;
    return !isDeepStrictEqual(loaded.source.value, before?.source.value);
  }

  return {
    load: async () => {
      const time = Date.now();
      const loaded = await source.load();
      const directory = loaded.source.serviceDirectory;
      first = directory === undefined ? undefined : { directory, time };
      current = loaded;
      return loaded;
    },
    request: () => {
      isAsked = true;
      requests.set();
    },
    problems: () => problems,
    changes: async function* (signal) {
      const folder = createFolderWatch(requests.set, log);
      folder.follow(first?.directory);
      if (first && (await changedSince(first))) requests.set();
      try {
        for await (const _ of requests.values(signal)) {
          await sleep(settle, undefined, { signal }).catch(() => {});
          if (signal.aborted) return;
          const isForced = isAsked;
          isAsked = false;
          const loaded = await again(isForced);
          if (!loaded) continue;
          folder.follow(loaded.source.serviceDirectory);
          if (isChanged(loaded) || isForced) yield loaded;
        }
      } finally {
        folder.follow(undefined);
      }
    },
  };
}

/** A folder that was read, and when that began, in milliseconds since 1970. */
interface Loaded {
  readonly directory: string;
  readonly time: number;
}

/** The resolution of a file system's times, in milliseconds. */
const grain = 2_000;

/** Whether a folder or something in it may have changed since it was read. */
async function changedSince({ directory, time }: Loaded): Promise<boolean> {
  const names = await readdir(directory).catch(() => []);
  const times = await Promise.all(
    [directory, ...names.map((name) => join(directory, name))].map((path) =>
      stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => Number.POSITIVE_INFINITY,
      ),
    ),
  );
  return times.some((changed) => changed > time - grain);
}

/** Calls `tell` for every change in a folder. One that cannot be watched is logged, and left to SIGHUP. */
function createFolderWatch(tell: () => void, log: () => Log) {
  let watcher: FSWatcher | undefined;

  function open(directory: string): FSWatcher | undefined {
    const complain = (error: unknown) => {
      log().warn({ directory, reason: messageOf(error) }, 'cannot watch; SIGHUP reads it again');
      return undefined;
    };
    try {
      return watch(directory, tell).on('error', complain);
    } catch (error) {
      return complain(error);
    }
  }

  return {
    /** Watches anew each time, since a folder that was replaced has the same name; the new watch opens before the old one closes. */
    follow: (directory: string | undefined): void => {
      const before = watcher;
      watcher = directory === undefined ? undefined : open(directory);
      before?.close();
    },
  };
}
