import type { ReadServiceFile } from './service-files.ts';
import { ConfigError, type Source } from './source.ts';

/** A configuration that is read again while it is in use. */
export interface LastGood<T> {
  /** Reads everything; throws a `ConfigError` that lists every problem. */
  load(): Promise<T>;
  /**
   * Reads everything again. A service's file that is bad keeps its last good content, or is left out
   * when it has none; `loaded` is undefined when that does not help. `problems` has what is wrong.
   */
  loadAgain(): Promise<{ readonly loaded: T | undefined; readonly problems: readonly string[] }>;
}

/** Remembers the last good content of each service's file, which `loadWith` reads through the reader that it is given. */
export function createLastGood<T>(
  readSource: (file: string) => Promise<Source>,
  loadWith: (read: ReadServiceFile) => Promise<T>,
): LastGood<T> {
  let good: ReadonlyMap<string, Source> = new Map();

  async function load(isBad = (_: string) => false): Promise<T> {
    const used = new Map<string, Source>();
    const loaded = await loadWith(async (path) => {
      const source = isBad(path) ? good.get(path) : await readSource(path);
      if (source) used.set(path, source);
      return source;
    });
    good = used;
    return loaded;
  }

  return { load: () => load(), loadAgain: () => loadGood(load) };
}

/** Loads everything, or what is left without the files that are bad. */
async function loadGood<T>(load: (isBad?: (path: string) => boolean) => Promise<T>) {
  try {
    return { loaded: await load(), problems: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { problems } = error;
    const isBad = (path: string) => problems.some((each) => each.startsWith(`${path}:`));
    return { loaded: await load(isBad).catch(() => undefined), problems };
  }
}
