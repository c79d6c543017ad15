import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { isRunning, processIdOf } from './process-id.ts';
import { spawnOrphan } from './spawn.ts';

test('an orphan has its arguments, its output in the log, and another parent', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'spawn-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const log = join(folder, 'log');
  const script = 'console.log(process.ppid, process.argv[1]); setTimeout(() => {}, 60_000)';
  const pid = await spawnOrphan(process.execPath, ['-e', script, 'a "b" $c'], log);
  const child = processIdOf(pid);
  const text = () => readFile(log, 'utf8');
  await expect.poll(text, { timeout: 10_000 }).toContain('a "b" $c');
  expect(await text()).not.toContain(`${process.pid} `);
  expect(isRunning(child)).toBe(true);
  process.kill(pid);
  await expect.poll(() => isRunning(child)).toBe(false);
});

test('of a program that cannot be started the log says why', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'spawn-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const log = join(folder, 'log');
  const child = processIdOf(await spawnOrphan('/nonexistent/program', [], log));
  await expect.poll(() => readFile(log, 'utf8')).toContain('/nonexistent/program');
  await expect.poll(() => isRunning(child)).toBe(false);
});
