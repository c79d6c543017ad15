import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';

export interface Asset {
  readonly type: string;
  readonly body: Buffer;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** In the sources and when built this is in `page/` of a folder of the package; in a bundle it is in `dist/` itself. */
const isBundled = !new URL('.', import.meta.url).pathname.endsWith('/page/');
const root = new URL(isBundled ? '../' : '../../', import.meta.url);
const folders = {
  scripts: new URL('dist/page/browser/', root),
  others: new URL('assets/', root),
};

/** A file of the page by its plain name, as it is on disk now; undefined where there is none. */
export async function readAsset(name: string): Promise<Asset | undefined> {
  const type = types[extname(name)];
  if (!type || !/^[a-z-]+\.[a-z]+$/.test(name)) return undefined;
  const folder = name.endsWith('.js') ? folders.scripts : folders.others;
  const body = await readFile(new URL(name, folder)).catch(() => undefined);
  return body && { type, body };
}
