import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';

import { isMap, isPair, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';

import { messageOf, UserError } from '../error.ts';

export type KeyPath = readonly PropertyKey[];

/** A configuration as it was written: its plain value, and where each part of it stands. */
export interface Source {
  readonly value: unknown;
  /** `file:line:col` of the key or item at a path, or of its nearest ancestor that is there. */
  locate(path: KeyPath): string;
}

/** Everything that is wrong with a configuration, one `file:line:col: path: message` a line. */
export class ConfigError extends UserError {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** Parses YAML 1.2 with merge keys, and so JSON; throws a `ConfigError` that lists every syntax error. */
export function parseSource(file: string, text: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const where = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const { errors } = document;
  if (errors.length > 0)
    throw new ConfigError(errors.map((error) => `${where(error.pos[0])}: ${error.message}`));
  return {
    // The file is the user's own, so that hundreds of services may share one anchor.
    value: document.toJS({ maxAliasCount: -1 }),
    locate: (path) => where(offsetOf(document.contents, path)),
  };
}

/** Reads and parses one file; throws a `ConfigError` when it cannot be read. */
export async function readSource(file: string): Promise<Source> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new ConfigError([`${file}: cannot read: ${messageOf(error)}`]);
  });
  return parseSource(file, text);
}

/**
 * Reads a daemon's file and the files of its `service_conf_dir` (`*.yaml`, `*.yml`, `*.json`; a file's
 * name without its ending is its service's, and it wins over a service of that name in the main file).
 * A relative folder is meant from the main file's own. `read` may read a service's file another way, or
 * leave it out.
 */
export async function readSourceWithServices(
  file: string,
  read: (file: string) => Promise<Source | undefined> = readSource,
): Promise<Source> {
  const main = await readSource(file);
  if (!isRecord(main.value) || typeof main.value.service_conf_dir !== 'string') return main;
  const directory = resolve(dirname(file), main.value.service_conf_dir);
  const names = await readdir(directory).catch((error: unknown) => {
    throw new ConfigError([
      `${main.locate(['service_conf_dir'])}: service_conf_dir: cannot read: ${messageOf(error)}`,
    ]);
  });
  const files = names
    .filter((name) => !name.startsWith('.') && /\.(ya?ml|json)$/.test(name))
    .sort();
  return mergeServices(
    main,
    await readAll(
      files.map((name) => join(directory, name)),
      read,
    ),
  );
}

async function readAll(
  files: readonly string[],
  read: (file: string) => Promise<Source | undefined>,
): Promise<ReadonlyMap<string, Source>> {
  const results = await Promise.allSettled(files.map((file) => read(file)));
  const problems = results.flatMap((result) =>
    result.status === 'rejected' ? problemsOf(result.reason) : [],
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return new Map(
    results.flatMap((result, index) => {
      const file = files[index] ?? '';
      return result.status === 'fulfilled' && result.value
        ? [[basename(file, extname(file)), result.value]]
        : [];
    }),
  );
}

function problemsOf(error: unknown): readonly string[] {
  return error instanceof ConfigError ? error.problems : [messageOf(error)];
}

function mergeServices(main: Source, services: ReadonlyMap<string, Source>): Source {
  const value = main.value as Readonly<Record<string, unknown>>;
  const own = isRecord(value.services) ? value.services : {};
  const others = Object.fromEntries([...services].map(([name, source]) => [name, source.value]));
  return {
    value: { ...value, services: { ...own, ...others } },
    locate: (path) => {
      const source = path[0] === 'services' ? services.get(String(path[1])) : undefined;
      return source ? source.locate(path.slice(2)) : main.locate(path);
    },
  };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function offsetOf(root: unknown, path: KeyPath): number {
  let offset = startOf(root);
  let node: unknown = root;
  for (const key of path) {
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find((item) => String(item.key) === String(key));
      if (!pair) break;
      offset = startOf(pair.key);
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      if (node === undefined) break;
      offset = startOf(node);
    } else break;
  }
  return offset;
}

function startOf(node: unknown): number {
  const ranged = (isPair(node) ? node.key : node) as Node | null | undefined;
  return ranged?.range?.[0] ?? 0;
}
