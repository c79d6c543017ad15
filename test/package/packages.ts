import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { execa } from 'execa';

import type { Scratch } from '../support/scratch.ts';

export const daemons = ['nerve', 'synapse'] as const;
export type DaemonName = (typeof daemons)[number];

const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };

export { version };

/** What `npm run package` built for this machine. */
export async function packageOf(daemon: DaemonName): Promise<string> {
  const pattern = new RegExp(`^smartstack-${daemon}_${version}_${await architecture()}\\.deb$`);
  return found(await readdir('dist'), pattern);
}

export async function tarballOf(daemon: DaemonName): Promise<string> {
  return found(await readdir('dist'), new RegExp(`^smartstack-${daemon}-${version}\\.tgz$`));
}

function found(files: readonly string[], pattern: RegExp): string {
  const file = files.find((name) => pattern.test(name));
  if (file === undefined) throw new Error(`no ${pattern} in dist: npm run package`);
  return join('dist', file);
}

async function architecture(): Promise<string> {
  return (await execa('dpkg', ['--print-architecture'])).stdout;
}

/** The same package as another version, which its program tells too. */
export async function repack(file: string, as: string, scratch: Scratch): Promise<string> {
  const name = file.split('/').at(-1)?.split('_')[0] ?? '';
  const folder = scratch.path(`${name}-${as}`);
  await execa('dpkg-deb', ['-R', file, folder]);
  await replaceIn(join(folder, 'DEBIAN/control'), `Version: ${version}`, `Version: ${as}`);
  const manifest = join(folder, `usr/lib/${name}/package.json`);
  await replaceIn(manifest, `"version": "${version}"`, `"version": "${as}"`);
  const path = scratch.path(`${name}_${as}.deb`);
  await execa('dpkg-deb', ['--root-owner-group', '-Znone', '-b', folder, path]);
  return path;
}

async function replaceIn(path: string, old: string, value: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  if (!text.includes(old)) throw new Error(`no ${old} in ${path}`);
  await writeFile(path, text.replace(old, value));
}
