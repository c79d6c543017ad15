import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { readRegularFile, readRegularText } from './read-file.ts';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'read-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

test('a regular file is read, through a link and below /proc, too', async () => {
  const directory = await folder();
  await writeFile(join(directory, 'a'), 'text');
  await symlink('a', join(directory, 'b'));
  expect(await readRegularText(join(directory, 'b'))).toBe('text');
  expect(await readRegularText('/proc/self/comm')).not.toBe('');
});

test('what is no regular file is refused at once', async () => {
  const directory = await folder();
  const fifo = join(directory, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const socket = join(directory, 'socket');
  const server = createServer().listen(socket);
  onTestFinished(() => void server.close());
  await expect(readRegularFile(fifo)).rejects.toThrow(`${fifo} is a FIFO, not a regular file`);
  await expect(readRegularFile('/dev/zero')).rejects.toThrow('/dev/zero is a device');
  await expect(readRegularFile(directory)).rejects.toThrow(`${directory} is a folder`);
  await expect(readRegularFile(socket)).rejects.toThrow('ENXIO');
});

test('a file that is too large is refused, and its limit named', async () => {
  const path = join(await folder(), 'large');
  await writeFile(path, Buffer.alloc(2 * 1024 * 1024));
  await expect(readRegularFile(path, { limit: 1024 * 1024 })).rejects.toThrow(
    `${path} is larger than 1 MiB`,
  );
  expect((await readRegularFile(path, { limit: 2 * 1024 * 1024 })).length).toBe(2 * 1024 * 1024);
});
