import { access, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { commandOf } from './support/daemon.ts';
import { createScratch } from './support/scratch.ts';

const documents = (await readdir('.', { recursive: true })).filter(
  (name) => name.endsWith('.md') && !name.includes('node_modules'),
);

describe.for(documents)('%s', (document) => {
  test('links to what is there', async () => {
    const text = await readFile(document, 'utf8');
    const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link]) => link ?? '');
    for (const link of links) await access(join(dirname(document), link));
  });

  test('names npm scripts that are there', async () => {
    const text = await readFile(document, 'utf8');
    const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as {
      scripts: Record<string, string>;
    };
    for (const [, name] of text.matchAll(/npm run ([\w:]+)/g))
      expect(Object.keys(scripts)).toContain(name);
  });
});

describe('the README', () => {
  test.for(['nerve', 'synapse'] as const)('shows a %s.yaml that is good', async (daemon) => {
    const readme = await readFile('README.md', 'utf8');
    const [, yaml] =
      new RegExp(`### ${daemon}\\.yaml.*?\`\`\`yaml\\n(.*?)\`\`\``, 's').exec(readme) ?? [];
    await using scratch = await createScratch();
    await writeFile(scratch.path('config.yaml'), yaml ?? '');
    const { all } = await execa(commandOf(daemon), ['-k', '-c', scratch.path('config.yaml')], {
      all: true,
      reject: false,
    });
    expect(all).toBe(`${scratch.path('config.yaml')}: ok, 1 service`);
  });

  test('names files that are there in its install commands', async () => {
    const readme = await readFile('README.md', 'utf8');
    for (const [path] of readme.matchAll(/(?:examples|scripts|test)\/[\w./-]*\w/g))
      await access(path);
  });
});
