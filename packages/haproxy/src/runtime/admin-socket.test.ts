import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { exchange } from './admin-socket.ts';

async function startPeer(answer: string) {
  const folder = await mkdtemp(join(tmpdir(), 'socket-'));
  const path = join(folder, 's');
  const server = createServer((socket) => socket.on('error', () => {}).end(answer));
  await once(server.listen(path), 'listening');
  onTestFinished(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });
  return path;
}

const { signal } = new AbortController();

test('an answer is read until the peer closes', async () => {
  const path = await startPeer('x'.repeat(100_000));
  expect(await exchange(path, 'show info\n', { timeout: 5_000, signal })).toHaveLength(100_000);
});

test('an answer that is too long is an error, and not read to its end', async () => {
  const path = await startPeer('x'.repeat(10_000_000));
  await expect(
    exchange(path, 'show info\n', { timeout: 5_000, signal, limit: 1_000_000 }),
  ).rejects.toThrow(`cannot ask HAProxy at ${path}: an answer of over 1000000 bytes`);
});
