import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The names, versions and licences of the packages that a bundle's inputs come from, in order. */
export async function notices(inputs: readonly string[]): Promise<string> {
  const folders = new Set(inputs.flatMap((input) => folderOf(input) ?? []));
  const texts = await Promise.all([...folders].sort().map(noticeOf));
  return `This program contains the following packages, each under its own licence.\n\n${texts.join('\n')}`;
}

function folderOf(input: string): string | undefined {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
}

async function noticeOf(folder: string): Promise<string> {
  const { name, version, license } = JSON.parse(
    await readFile(join(folder, 'package.json'), 'utf8'),
  ) as Readonly<Record<'name' | 'version' | 'license', string>>;
  const file = (await readdir(folder)).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  const text = file === undefined ? '' : await readFile(join(folder, file), 'utf8');
  return `${'-'.repeat(72)}\n${name} ${version} (${license ?? 'see its text'})\n\n${text.trim()}\n`;
}
