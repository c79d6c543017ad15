import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { createEndWatch } from './end-watch.ts';

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
  using line = createEndWatch(path);
  const accepted = once(server, 'connection');
  const closed = await line.hold();
  const [socket] = await accepted;
  expect(closed?.aborted).toBe(false);
  expect(await line.hold()).toBe(closed);
  const end = closed && once(closed, 'abort');
  socket.destroy();
  await end;
  const again = once(server, 'connection');
  const next = await line.hold();
  expect(next?.aborted).toBe(false);
  const [second] = await again;
  const last = next && once(next, 'abort');
  server.close();
  second.destroy();
  await last;
  expect(await line.hold()).toBeUndefined();
});

test('where no process listens there is none', async () => {
  using line = createEndWatch(path);
  expect(await line.hold()).toBeUndefined();
});

test('one that is dropped, or older than it may be, is made anew', async () => {
  const server = createServer();
  await once(server.listen(path), 'listening');
  using line = createEndWatch(path, 0);
  using kept = createEndWatch(path);
  const [first, second] = [await line.hold(), await line.hold()];
  expect(second).not.toBe(first);
  expect(second?.aborted).toBe(false);
  if (first && !first.aborted) await once(first, 'abort');
  const before = await kept.hold();
  kept.drop();
  if (before && !before.aborted) await once(before, 'abort');
  expect((await kept.hold())?.aborted).toBe(false);
  line.drop();
  kept.drop();
  server.close();
});
