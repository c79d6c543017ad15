import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { writeFileAtomic } from './file.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'file-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('a new file has the asked mode and its content', async () => {
  const file = join(directory, 'secret');
  await writeFileAtomic(file, 'x', 0o600);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readFile(file, 'utf8')).toBe('x');
});

test('a replaced file keeps its mode, and no temporary file stays', async () => {
  const file = join(directory, 'config');
  await writeFile(file, 'old');
  await chmod(file, 0o640);
  await writeFileAtomic(file, 'new');
  expect((await stat(file)).mode & 0o777).toBe(0o640);
  expect(await readFile(file, 'utf8')).toBe('new');
  expect(await readdir(directory)).toEqual(['config']);
});

test.each([
  ['none', []],
  ['few and short', ['one', '', 'größe', 'two\n']],
  ['many, of any length', Array.from({ length: 300 }, (_, n) => `${n} é`.repeat(n * 7))],
  ['one that is longer than what is written at once', ['a', 'ö'.repeat(70_000), 'b']],
  ['just as much as is written at once', ['x'.repeat(65_535), 'y', 'z']],
])('a text in pieces is written whole: %s', async (_, pieces) => {
  const file = join(directory, 'pieces');
  await writeFileAtomic(file, pieces);
  expect(await readFile(file, 'utf8')).toBe(pieces.join(''));
});

test('a failure names the file, keeps the old content and leaves nothing behind', async () => {
  const file = join(directory, 'folder');
  await writeFileAtomic(join(directory, 'other'), 'x');
  await expect(writeFileAtomic(join(file, 'missing'), 'x')).rejects.toThrow(
    `cannot write ${file}/missing: ENOENT`,
  );
  expect(await readdir(directory)).toEqual(['other']);
});
