import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

import { execa } from 'execa';

export const architectures = ['amd64', 'arm64'] as const;
export type Architecture = (typeof architectures)[number];

interface Lock {
  readonly version: string;
  readonly packages: Readonly<Record<Architecture, { name: string; integrity: string }>>;
}

/** A Node.js program and its licence, in a temporary folder that goes when it is disposed of. */
export interface Runtime extends AsyncDisposable {
  readonly version: string;
  readonly program: string;
  readonly license: string;
}

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'smartstack');

/**
 * The Node.js that packages carry: the registry's package for an architecture, as pinned in
 * `runtime.lock.json`. Downloaded once; rejects when it is not what was pinned.
 */
export async function fetchRuntime(architecture: Architecture): Promise<Runtime> {
  const text = await readFile(new URL('runtime.lock.json', import.meta.url), 'utf8');
  const { version, packages } = JSON.parse(text) as Lock;
  const { name, integrity } = packages[architecture];
  const archive = await fetchPinned(`${name}@${version}`, `${name}-${version}.tgz`, integrity);
  const directory = await mkdtemp(join(tmpdir(), 'node-runtime-'));
  await execa('tar', ['-xzf', archive, '-C', directory, 'package/bin/node', 'package/LICENSE']);
  await chmod(join(directory, 'package/bin/node'), 0o755);
  return {
    version,
    program: join(directory, 'package/bin/node'),
    license: join(directory, 'package/LICENSE'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** The path of an npm package as a file, from the cache or the registry; rejects when its checksum is another. */
export async function fetchPinned(
  specifier: string,
  file: string,
  integrity: string,
): Promise<string> {
  const path = join(cache, file);
  if ((await integrityOf(path)) === integrity) return path;
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, 'fetch-'));
  try {
    const args = ['pack', specifier, '--pack-destination', directory, '--silent'];
    await execa('npm', args, { cwd: directory });
    const found = await integrityOf(join(directory, file));
    if (found !== integrity)
      throw new Error(
        `cannot use ${specifier}: its checksum is ${found}, and runtime.lock.json says ${integrity}`,
      );
    await rename(join(directory, file), path);
    return path;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A file's checksum as npm writes it; undefined when there is no such file. */
async function integrityOf(path: string): Promise<string | undefined> {
  const content = await readFile(path).catch(() => undefined);
  return content && `sha512-${createHash('sha512').update(content).digest('base64')}`;
}
