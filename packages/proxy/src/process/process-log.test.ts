import { mkdir, mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { boundLog, openLog, usualBound } from './process-log.ts';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'process-log-'));
  path = join(directory, 'haproxy.log');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const sizeOf = async (file: string) => (await stat(file)).size;

test('a log under its bound is left as it is', async () => {
  await using log = await openLog(path);
  await log.write('a line\n');
  expect(await boundLog(path, usualBound(path))).toBe(false);
  expect(await readFile(path, 'utf8')).toBe('a line\n');
});

test('a log over its bound is set aside while its process goes on to write', async () => {
  const writer =
    'let n = 0; setInterval(() => process.stdout.write((String(n++) + "\\n").repeat(100)), 1)';
  const output = await openLog(path);
  using _ = { [Symbol.dispose]: () => child.kill('SIGKILL') };
  const child = execa(process.execPath, ['-e', writer], {
    stdin: 'ignore',
    stdout: output.fd as unknown as 'ignore',
    reject: false,
  });
  const bound = { most: 50_000, aside: `${path}.1` };
  for (let times = 0; times < 3; ) if (await boundLog(path, bound)) times += 1;
  child.kill('SIGKILL');
  await child;
  await output.close();
  // Each holds whole lines in their order, none of which begins with a hole.
  for (const file of [path, bound.aside]) {
    const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1).map(Number);
    expect(lines.every((line, at) => at === 0 || line - (lines[at - 1] ?? 0) <= 1)).toBe(true);
  }
  const { size, mode } = await stat(bound.aside);
  expect(size).toBeGreaterThan(50_000);
  expect(mode & 0o007).toBe(0);
});

test('a log is emptied even where no copy can be kept', async () => {
  await using log = await openLog(path);
  await log.write('x'.repeat(2_000));
  await mkdir(`${path}.1.part`);
  await expect(boundLog(path, { most: 1_000, aside: `${path}.1` })).rejects.toThrow();
  expect(await sizeOf(path)).toBe(0);
  await log.write('more\n');
  expect(await readFile(path, 'utf8')).toBe('more\n');
});

test('a log with a hole before it counts as long as its text is', async () => {
  await using log = await open(path, 'w');
  await log.write('x'.repeat(100_000), 50_000_000);
  expect(await boundLog(path, { most: 1_000_000, aside: `${path}.1` })).toBe(false);
  expect(await boundLog(path, { most: 50_000, aside: `${path}.1` })).toBe(true);
  expect(await sizeOf(`${path}.1`)).toBeLessThan(200_000);
  expect(await readFile(`${path}.1`, 'utf8')).toContain('x'.repeat(100_000));
});
