import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

const comment = '# yaml-language-server: $schema=';

/** The YAML configurations below a folder, by path, each with a first line that names its schema for editors. */
export async function examplesWithSchema(
  folder: string,
): Promise<Readonly<Record<string, string>>> {
  const files = (await readdir(folder, { recursive: true })).map((name) => join(folder, name));
  const texts = files.flatMap((file) => {
    const daemon = /\/(nerve|synapse)[^/]*\.yaml$/.exec(file)?.[1];
    return daemon === undefined ? [] : [withSchema(file, daemon)];
  });
  return Object.fromEntries(await Promise.all(texts));
}

async function withSchema(file: string, daemon: string): Promise<readonly [string, string]> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  const schema = relative(dirname(file), `packages/${daemon}/${daemon}.schema.json`);
  const own = lines[0]?.startsWith(comment) ? lines.slice(1) : lines;
  return [file, [`${comment}${schema}`, ...own].join('\n')];
}
