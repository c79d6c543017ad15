import { chmod, readdir, readFile } from 'node:fs/promises';

import { build } from 'esbuild';

import { notices } from './notices.ts';
import type { Product } from './products.ts';
import type { Tree } from './tree.ts';

/** CommonJS modules inside call `require` for Node's own. */
const banner = `import { createRequire as createRequireOf } from 'node:module';
const require = createRequireOf(import.meta.url);`;

/**
 * Puts a daemon into a folder of its own: `bin/`, `dist/` with everything that it imports, the clients of
 * optional checks too, a `package.json` without dependencies, and the notices of those who wrote it.
 */
export async function bundle({ daemon }: Product, tree: Tree): Promise<void> {
  const { outputs, inputs } = await bundleCode(daemon, tree);
  for (const output of outputs) await chmod(output, 0o644);
  for (const schema of schemasOf(daemon)) await tree.add(`packages/${daemon}/${schema}`, schema);
  await tree.add('LICENSE', 'LICENSE');
  await tree.write('THIRD-PARTY-NOTICES', await notices(inputs));
}

/** Puts what runs of a daemon into a folder: `bin/`, `dist/` with everything that it imports, its page and `package.json`. */
export async function bundleCode(daemon: Product['daemon'], tree: Tree) {
  const { metafile } = await build({
    entryPoints: [`packages/${daemon}/src/cli.ts`],
    outdir: tree.path('dist'),
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    conditions: ['source'],
    external: ['pg-native'],
    banner: { js: banner },
    metafile: true,
    logLevel: 'warning',
  });
  await tree.add(`packages/${daemon}/bin/${daemon}.js`, `bin/${daemon}.js`, 0o755);
  await tree.write('package.json', await manifestOf(daemon));
  await addPage(tree);
  return { outputs: Object.keys(metafile.outputs), inputs: Object.keys(metafile.inputs) };
}

/** The files of the daemons' pages, where the bundle looks for them. */
async function addPage(tree: Tree): Promise<void> {
  for (const [folder, kind] of [
    ['dist/page/browser', /\.js$/],
    ['assets', /./],
  ] as const)
    for (const file of await readdir(`packages/daemon/${folder}`))
      if (kind.test(file)) await tree.add(`packages/daemon/${folder}/${file}`, `${folder}/${file}`);
}

/** What editors complete a daemon's files by. */
export const schemasOf = (daemon: string) => [
  `${daemon}.schema.json`,
  `${daemon}-service.schema.json`,
];

/** Everything is inside: only what a user may add beside it is still named. */
async function manifestOf(daemon: string): Promise<string> {
  const text = await readFile(`packages/${daemon}/package.json`, 'utf8');
  const whole = JSON.parse(text) as Record<string, unknown>;
  const { exports: _, dependencies, devDependencies, optionalDependencies, ...manifest } = whole;
  const files = ['assets', 'bin', 'dist', 'THIRD-PARTY-NOTICES', ...schemasOf(daemon)];
  return `${JSON.stringify({ ...manifest, files }, undefined, 2)}\n`;
}
