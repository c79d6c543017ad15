import { chmod, cp, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A folder that a package is made of. */
export interface Tree {
  readonly directory: string;
  path(...parts: string[]): string;
  /** Writes a file, and the folders above it. */
  write(to: string, content: string | Buffer, mode?: number): Promise<void>;
  /** Copies one file of the repository. */
  add(from: string, to: string, mode?: number): Promise<void>;
}

export function treeIn(directory: string): Tree {
  const write = async (to: string, content: string | Buffer, mode = 0o644) => {
    const path = join(directory, to);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    await chmod(path, mode);
  };
  return {
    directory,
    path: (...parts) => join(directory, ...parts),
    write,
    add: async (from, to, mode = 0o644) => write(to, await readFile(from), mode),
  };
}

/** Copies a folder with all that is in it. */
export async function copyFolder(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to, { recursive: true });
}

/** The files below a folder, by their paths from there, in order. */
export async function filesIn(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}

/** Makes a folder the same whoever builds it and when: one time for all, and no one's umask. */
export async function settle(directory: string, seconds: number): Promise<void> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  for (const entry of entries)
    if (entry.isDirectory()) await chmod(join(entry.parentPath, entry.name), 0o755);
  await chmod(directory, 0o755);
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
  for (const path of [...paths.toReversed(), directory]) await utimes(path, seconds, seconds);
}
