import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const packages = fileURLToPath(new URL('../../packages', import.meta.url));

/** One source file of a package, by its path below `packages/`. */
export interface Source {
  readonly path: string;
  readonly package: string;
  readonly text: string;
  /** What it imports: files below `packages/`, and packages of this project by their names. */
  readonly imports: readonly string[];
}

/** Every source file of every package but tests and what tests alone use. */
export async function readSources(): Promise<readonly Source[]> {
  const all = await readdir(packages, { recursive: true });
  const sources = all.filter(
    (path) => /^[^/]+\/src\/.*\.ts$/.test(path) && !/\.(test|fixture|d)\.ts$/.test(path),
  );
  return Promise.all(
    sources.map(async (path) => {
      const text = await readFile(join(packages, path), 'utf8');
      return { path, package: path.split('/', 1)[0] ?? '', text, imports: importsOf(path, text) };
    }),
  );
}

function importsOf(path: string, text: string): readonly string[] {
  const specifiers = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)];
  return specifiers.flatMap(([, specifier = '']) => {
    if (specifier.startsWith('.')) return [relative('.', join(dirname(path), specifier))];
    return specifier.startsWith('@smartstack/') ? [specifier.slice('@smartstack/'.length)] : [];
  });
}
