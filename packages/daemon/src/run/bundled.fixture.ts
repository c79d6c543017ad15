import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { build } from 'esbuild';
import { afterAll } from 'vitest';

/**
 * Makes one file of JavaScript of a program's sources and of all that they import; it is there until the tests of the
 * calling file are over. Loading the sources one by one would be most of what a test that starts the program takes.
 */
export async function bundled(program: URL): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'bundled-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const outfile = join(folder, 'program.mjs');
  await build({
    entryPoints: [program.pathname],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    conditions: ['source'],
    // What lies beside the sources is still found there.
    define: { 'import.meta.url': JSON.stringify(program.href) },
    // CommonJS inside asks for Node's own modules.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
  return outfile;
}
