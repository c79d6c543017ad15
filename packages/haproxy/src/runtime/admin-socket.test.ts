import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { createRuntime, exchange } from './admin-socket.ts';

const startPeer = (answer: string) => startServer((socket) => socket.end(answer));

/** Answers each command with itself, as HAProxy 3.2 does: with one prompt behind the replies to a line. */
const startHaproxy = () =>
  startServer((socket) =>
    socket.on('data', (data) => {
      for (const line of data.toString().trim().split('\n')) {
        const commands = line.split(';');
        socket.write(commands.map(replyTo).join(''));
        if (commands.includes('quit')) socket.end();
        else socket.write('> ');
      }
    }),
  );

function replyTo(command: string): string {
  if (command === 'quit') return '';
  return command === 'prompt' ? '\n' : `${command}\n\n`;
}

async function startServer(answer: (socket: Socket) => void) {
  const folder = await mkdtemp(join(tmpdir(), 'socket-'));
  const path = join(folder, 's');
  const server = createServer((socket) => answer(socket.on('error', () => {})));
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

test('each command has its own reply where a prompt ends a line of them', async () => {
  const { ask } = createRuntime(await startHaproxy());
  const commands = Array.from({ length: 120 }, (_, index) => `show info ${index}`);
  expect(await ask(commands, signal)).toEqual(commands);
});
