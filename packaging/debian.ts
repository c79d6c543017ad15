import { createHash } from 'node:crypto';
import { copyFile, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { execa } from 'execa';

import { schemasOf } from './bundle.ts';
import { bashCompletion, zshCompletion } from './completion.ts';
import type { ProgramHelp } from './help.ts';
import { manualOf } from './manual.ts';
import type { Product } from './products.ts';
import type { Architecture, Runtime } from './runtime.ts';
import { copyFolder, filesIn, settle, type Tree } from './tree.ts';

export interface DebianOptions {
  readonly architecture: Architecture;
  readonly runtime: Runtime;
  readonly version: string;
  readonly help: ProgramHelp;
  /** When the package is from, in seconds since 1970 (`SOURCE_DATE_EPOCH`). */
  readonly epoch: number;
  /** Where the package goes, and how it is compressed. */
  readonly out: string;
  readonly compression: 'zstd' | 'xz';
}

const scripts = ['postinst', 'prerm', 'postrm'];
const documents = ['CHANGELOG.md', 'docs/configuration.md', 'docs/packages.md'];

/**
 * Builds a Debian package from a bundle, in an empty tree; returns its path. The same sources and epoch
 * give the same bytes.
 */
export async function buildDebian(
  product: Product,
  bundle: Tree,
  tree: Tree,
  options: DebianOptions,
): Promise<string> {
  await addProgram(product, bundle, tree, options.runtime);
  await addConfiguration(product, tree);
  await addDocumentation(product, bundle, tree, options);
  for (const name of scripts)
    await tree.write(`DEBIAN/${name}`, await filled(`shared/${name}`, product), 0o755);
  await tree.write('DEBIAN/md5sums', await checksums(tree));
  await tree.write('DEBIAN/control', await controlOf(product, tree, options));
  await settle(tree.directory, options.epoch);
  const file = `${product.name}_${options.version}_${options.architecture}.deb`;
  const path = join(options.out, file);
  const level = options.compression === 'zstd' ? '-z9' : '-z6';
  await execa(
    'dpkg-deb',
    ['--root-owner-group', `-Z${options.compression}`, level, '--build', tree.directory, path],
    { env: { SOURCE_DATE_EPOCH: `${options.epoch}` } },
  );
  return path;
}

async function addProgram(product: Product, bundle: Tree, tree: Tree, runtime: Runtime) {
  const { daemon, name, files } = product;
  const home = `usr/lib/${name}`;
  for (const part of ['bin', 'dist', 'package.json', ...schemasOf(daemon)])
    await copyFolder(bundle.path(part), tree.path(home, part));
  await copyFile(runtime.program, tree.path(home, 'node'));
  await tree.write(`usr/bin/${daemon}`, await filled('shared/command', product), 0o755);
  for (const unit of [...product.units, ...product.optionalUnits])
    await tree.write(`usr/lib/systemd/system/${unit}`, await filled(`${daemon}/${unit}`, product));
  for (const [file, { to, mode }] of Object.entries(files))
    await tree.add(`packaging/${daemon}/${file}`, to, mode);
}

/** One of this folder's files, with the product's own words in it. */
async function filled(
  file: string,
  { daemon, name, units, optionalUnits }: Product,
): Promise<string> {
  const hardening = await readFile('packaging/shared/hardening.conf', 'utf8');
  return (await readFile(`packaging/${file}`, 'utf8'))
    .replaceAll('@DAEMON@', daemon)
    .replaceAll('@DAEMON_UPPER@', daemon.toUpperCase())
    .replaceAll('@PACKAGE@', name)
    .replaceAll('@UNITS@', units.join(' '))
    .replaceAll('@ALL_UNITS@', [...optionalUnits, ...units].join(' '))
    .replace('@HARDENING@\n', hardening);
}

async function addConfiguration({ daemon }: Product, tree: Tree): Promise<void> {
  await tree.add(`packaging/${daemon}/${daemon}.yaml`, `etc/${daemon}/${daemon}.yaml`, 0o640);
  await tree.write(
    `etc/${daemon}/conf.d/README`,
    `Each *.yaml file here is one service of ${daemon}, named after the file.\n`,
  );
  const files = (await filesIn(tree.path('etc'))).map((file) => `/etc/${file}\n`);
  await tree.write('DEBIAN/conffiles', files.join(''));
}

async function addDocumentation(
  product: Product,
  bundle: Tree,
  tree: Tree,
  { runtime, version, help, epoch }: DebianOptions,
): Promise<void> {
  const { daemon, name } = product;
  const folder = `usr/share/doc/${name}`;
  for (const file of documents) await tree.add(file, `${folder}/${file.split('/').at(-1)}`);
  const licenses = [
    await readFile(bundle.path('LICENSE'), 'utf8'),
    await readFile(bundle.path('THIRD-PARTY-NOTICES'), 'utf8'),
    `${'-'.repeat(72)}\nNode.js ${runtime.version}\n\n${await readFile(runtime.license, 'utf8')}`,
  ];
  await tree.write(`${folder}/copyright`, licenses.join('\n'));
  const day = new Date(epoch * 1_000);
  const entry = `${name} (${version}) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- ${maintainer}  ${day.toUTCString().replace('GMT', '+0000')}\n`;
  await tree.write(`${folder}/changelog.gz`, packed(entry));
  const manual = manualOf(help, { product, version, date: day.toISOString().slice(0, 10) });
  await tree.write(`usr/share/man/man8/${daemon}.8.gz`, packed(manual));
  await tree.write(
    `usr/share/bash-completion/completions/${daemon}`,
    bashCompletion(help, product),
  );
  await tree.write(`usr/share/zsh/vendor-completions/_${daemon}`, zshCompletion(help, product));
}

const packed = (text: string) => gzipSync(text, { level: 9 });

const maintainer = 'SmartStack maintainers <smartstack@localhost>';

async function controlOf(
  { name, summary, description, depends, conflicts }: Product,
  tree: Tree,
  { version, architecture }: DebianOptions,
): Promise<string> {
  const sizes = (await filesIn(tree.directory)).map(
    async (file) => (await stat(tree.path(file))).size,
  );
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  return [
    `Package: ${name}`,
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    `Maintainer: ${maintainer}`,
    `Installed-Size: ${Math.ceil(bytes / 1_024)}`,
    `Depends: ${depends.join(', ')}`,
    ...(conflicts.length > 0 ? [`Conflicts: ${conflicts.join(', ')}`] : []),
    'Section: net',
    'Priority: optional',
    `Description: ${summary}`,
    ` ${description}`,
    '',
  ].join('\n');
}

async function checksums(tree: Tree): Promise<string> {
  const files = (await filesIn(tree.directory)).filter((file) => !file.startsWith('DEBIAN/'));
  const lines = files.map(async (file) => {
    const content = await readFile(tree.path(file));
    return `${createHash('md5').update(content).digest('hex')}  ${file}\n`;
  });
  return (await Promise.all(lines)).join('');
}
