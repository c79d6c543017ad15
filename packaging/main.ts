import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { Command, Option } from 'commander';
import { execa } from 'execa';

import { bundle } from './bundle.ts';
import { buildDebian } from './debian.ts';
import { helpOf } from './help.ts';
import { type Product, products } from './products.ts';
import { type Architecture, architectures, fetchRuntime } from './runtime.ts';
import { type Tree, treeIn } from './tree.ts';

interface Options {
  readonly out: string;
  readonly arch: readonly Architecture[];
  readonly compression: 'zstd' | 'xz';
  readonly tarballsOnly?: boolean;
}

const here: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';

const { out, arch, compression, tarballsOnly } = new Command('npm run package --')
  .description('Builds the packages: a Debian package and an npm tarball for each daemon.')
  .option('--out <folder>', 'where they go', 'dist')
  .addOption(
    new Option('--arch <name...>', 'for which machines').choices(architectures).default([here]),
  )
  .addOption(
    new Option('--compression <name>', 'xz is smaller, and takes minutes')
      .choices(['zstd', 'xz'])
      .default('zstd'),
  )
  .option('--tarballs-only', 'no Debian packages')
  .parse()
  .opts<Options>();

const scratch = await mkdtemp(join(tmpdir(), 'packages-'));
try {
  await mkdir(out, { recursive: true });
  for (const product of products) await build(product);
} finally {
  await rm(scratch, { recursive: true, force: true });
}

async function build(product: Product): Promise<void> {
  const tree = treeIn(join(scratch, product.daemon));
  await bundle(product, tree);
  const packed = await execa('npm', ['pack', '--silent', '--pack-destination', resolve(out)], {
    cwd: tree.directory,
  });
  await say(join(out, packed.stdout.trim()));
  if (!tarballsOnly) for (const architecture of arch) await buildFor(architecture, product, tree);
}

async function buildFor(architecture: Architecture, product: Product, tree: Tree): Promise<void> {
  await using runtime = await fetchRuntime(architecture);
  const version = await versionOf(tree);
  const help = await helpOf(tree.path('bin', `${product.daemon}.js`));
  const folder = treeIn(join(scratch, `${product.name}-${architecture}`));
  const epoch = await sourceDate();
  const options = { architecture, runtime, version, help, epoch, out, compression };
  await say(await buildDebian(product, tree, folder, options));
}

async function versionOf(tree: Tree): Promise<string> {
  const { version } = JSON.parse(await readFile(tree.path('package.json'), 'utf8')) as {
    version: string;
  };
  // Debian sorts a pre-release before its release by a tilde.
  return version.replace('-', '~');
}

/** When the sources are from, in seconds: as told, else the last commit's time. */
async function sourceDate(): Promise<number> {
  const { SOURCE_DATE_EPOCH: told } = process.env;
  if (told) return Number(told);
  return Number((await execa('git', ['log', '-1', '--format=%ct'])).stdout);
}

async function say(path: string): Promise<void> {
  const { size } = await stat(path);
  process.stdout.write(`${path}  ${(size / 1e6).toFixed(1)} MB\n`);
}
