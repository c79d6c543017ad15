import { type FSWatcher, watch } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  ConfigError,
  createLatest,
  type Log,
  messageOf,
  readSource,
  type Source,
} from '@smartstack/daemon';

import { type LoadedConfig, loadConfig } from './config.ts';

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

export function createReloader(file: string, log: () => Log): Reloader {
  const requests = createLatest<void>();
  let good: ReadonlyMap<string, Source> = new Map();
  let problems: readonly string[] = [];
  let directory: string | undefined;
  let since = 0;

  async function load(): Promise<LoadedConfig> {
    const sources = new Map<string, Source>();
    const started = Date.now();
    const loaded = await loadConfig(file, async (path) => {
      const source = await readSource(path);
      sources.set(path, source);
      return source;
    });
    good = sources;
    problems = [];
    directory = folderOf(file, loaded);
    since = started;
    return loaded;
  }

  /** With those service files that have a problem as they were when they last had none. */
  async function loadAround(error: ConfigError): Promise<LoadedConfig> {
    const used = new Map<string, Source>();
    const bad: string[] = [];
    const loaded = await loadConfig(file, async (path) => {
      const isBad = error.problems.some((problem) => problem.startsWith(`${path}:`));
      if (isBad) bad.push(path);
      const source = isBad ? good.get(path) : await readSource(path);
      if (source) used.set(path, source);
      return source;
    });
    if (bad.length === 0) throw error;
    good = used;
    return loaded;
  }

  async function again(): Promise<LoadedConfig | undefined> {
    try {
      return await load();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems = error.problems;
      log().error({ problems }, 'bad configuration: what was good before stays in use');
      return loadAround(error).catch(() => undefined);
    }
  }

  return {
    load,
    request: requests.set,
    problems: () => problems,
    changes: async function* (signal) {
      const folder = createFolderWatch(requests.set, log);
      folder.follow(directory);
      if (directory !== undefined && (await changedSince(directory, since))) requests.set();
      try {
        for await (const _ of requests.values(signal)) {
          await sleep(settle, undefined, { signal }).catch(() => {});
          if (signal.aborted) return;
          const loaded = await again();
          if (!loaded) continue;
          folder.follow(folderOf(file, loaded));
          yield loaded;
        }
      } finally {
        folder.follow(undefined);
      }
    },
  };
}

function folderOf(file: string, { config }: LoadedConfig): string | undefined {
  return config.service_conf_dir && resolve(dirname(file), config.service_conf_dir);
}

/** File systems tell a change's time no finer than this, in milliseconds. */
const grain = 2_000;

/** Whether a folder or something in it may have changed since a time, in milliseconds since 1970. */
async function changedSince(directory: string, time: number): Promise<boolean> {
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

/** Tells of every change in the folder that it follows; one that cannot be watched is said, and left to SIGHUP. */
function createFolderWatch(tell: () => void, log: () => Log) {
  let followed: string | undefined;
  let watcher: FSWatcher | undefined;
  return {
    follow: (directory: string | undefined): void => {
      if (directory === followed) return;
      watcher?.close();
      watcher = undefined;
      followed = directory;
      if (directory === undefined) return;
      const complain = (error: unknown) =>
        log().warn({ directory, reason: messageOf(error) }, 'cannot watch; SIGHUP reads it again');
      try {
        watcher = watch(directory, tell).on('error', complain);
      } catch (error) {
        complain(error);
      }
    },
  };
}
