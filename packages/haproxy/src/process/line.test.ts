import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { createLine } from './line.ts';

const { signal } = new AbortController();
let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'smartstack-'));
  path = join(folder, 'socket');
});
afterEach(() => rm(folder, { recursive: true }));

test('one connection is kept, and its end is noticed', async () => {
  const server = createServer();
  await once(server.listen(path), 'listening');
  using line = createLine(path);
  const accepted = once(server, 'connection');
  const closed = await line.hold(signal);
  const [socket] = await accepted;
  expect(closed?.aborted).toBe(false);
  expect(await line.hold(signal)).toBe(closed);
  const end = closed && once(closed, 'abort');
  socket.destroy();
  await end;
  const again = once(server, 'connection');
  const next = await line.hold(signal);
  expect(next?.aborted).toBe(false);
  const [second] = await again;
  const last = next && once(next, 'abort');
  server.close();
  second.destroy();
  await last;
  expect(await line.hold(signal)).toBeUndefined();
});

test('where nobody listens there is none', async () => {
  using line = createLine(path);
  expect(await line.hold(signal)).toBeUndefined();
});
