import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';

import { hasCode, messageOf } from '../error.ts';
import { ConfigError, isRecord, type KeyPath, type Source } from './source.ts';

/** Reads a service's file another way, or leaves it out. */
export type ReadServiceFile = (file: string) => Promise<Source | undefined>;

/**
 * Reads a daemon's file and the files of its `service_conf_dir` (`*.yaml`, `*.yml`, `*.json`; a file's
 * name without its ending is its service's, and it wins over a service of that name in the main file).
 * A relative folder is resolved from the main file's own, else from the working directory. `readService` may
 * read a service's file another way, or leave it out.
 */
export async function readSourceWithServices(
  file: string,
  read: (file: string) => Promise<Source>,
  readService: ReadServiceFile = read,
): Promise<Source> {
  const main = await read(file);
  if (!isRecord(main.value) || typeof main.value.service_conf_dir !== 'string') return main;
  const place = `${main.locate(['service_conf_dir'])}: service_conf_dir`;
  const { directory, names, warnings } = await findFolder(file, main.value.service_conf_dir, place);
  const files = names
    .filter((name) => !name.startsWith('.') && /\.(ya?ml|json)$/.test(name))
    .sort()
    .map((name) => join(directory, name));
  const services = await readAll(files, readService);
  return { ...mergeServices(main, services, warnings), serviceDirectory: directory };
}

interface Folder {
  readonly directory: string;
  readonly names: readonly string[];
  readonly warnings: readonly string[];
}

/** The originals resolved a relative folder from the working directory; here the file's own folder goes first. */
async function findFolder(file: string, written: string, place: string): Promise<Folder> {
  const beside = resolve(dirname(file), written);
  const working = resolve(written);
  const [first, second] = await Promise.all([namesIn(beside, place), namesIn(working, place)]);
  if (beside === working || (first && !second))
    return { directory: beside, names: first ?? missing(place, [beside]), warnings: [] };
  if (first)
    return {
      directory: beside,
      names: first,
      warnings: [
        `${place}: ${beside} is read, and not ${working} in the working directory, which is there too; write the whole path`,
      ],
    };
  return {
    directory: working,
    names: second ?? missing(place, [beside, working]),
    warnings: [
      `${place}: read from the working directory, ${working}, as there is no ${beside}; write the whole path`,
    ],
  };
}

/** The names of a folder's files; undefined where there is no such folder. */
async function namesIn(directory: string, place: string): Promise<readonly string[] | undefined> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw new ConfigError([`${place}: cannot read: ${messageOf(error)}`]);
  }
}

function missing(place: string, folders: readonly string[]): never {
  throw new ConfigError([`${place}: cannot read: there is no folder ${folders.join(', nor ')}`]);
}

async function readAll(
  files: readonly string[],
  read: ReadServiceFile,
): Promise<ReadonlyMap<string, Source>> {
  const results = await Promise.allSettled(files.map((file) => read(file)));
  const problems = [
    ...files.filter((file) => nameOf(file) === '__proto__').map((file) => `${file}: ${noName}`),
    ...results.flatMap((result) => (result.status === 'rejected' ? problemsOf(result.reason) : [])),
  ];
  if (problems.length > 0) throw new ConfigError(problems);
  return new Map(
    results.flatMap((result, index) => {
      const file = files[index] ?? '';
      return result.status === 'fulfilled' && result.value ? [[nameOf(file), result.value]] : [];
    }),
  );
}

const noName = '__proto__ cannot be the name of a service; rename the file';
const nameOf = (file: string) => basename(file, extname(file));

function problemsOf(error: unknown): readonly string[] {
  return error instanceof ConfigError ? error.problems : [messageOf(error)];
}

function mergeServices(
  main: Source,
  services: ReadonlyMap<string, Source>,
  warnings: readonly string[],
): Source {
  const value = main.value as Readonly<Record<string, unknown>>;
  const own = isRecord(value.services) ? value.services : {};
  const others = Object.fromEntries([...services].map(([name, source]) => [name, source.value]));
  /** Asks the source that a path is from, with the path inside it. */
  const ask = <T>(path: KeyPath, question: (source: Source, inside: KeyPath) => T): T => {
    const source = path[0] === 'services' ? services.get(String(path[1])) : undefined;
    return source ? question(source, path.slice(2)) : question(main, path);
  };
  return {
    value: { ...value, services: { ...own, ...others } },
    locate: (path) => ask(path, (source, inside) => source.locate(inside)),
    plainText: (path) => ask(path, (source, inside) => source.plainText(inside)),
    warnings: [...main.warnings, ...warnings, ...warningsOf(services)],
  };
}

function warningsOf(services: ReadonlyMap<string, Source>): readonly string[] {
  return [...services.values()].flatMap(({ warnings }) => warnings);
}
