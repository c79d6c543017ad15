import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { createAdmin, isGone } from './client.ts';

const { signal } = new AbortController();

async function setUp(answer: RequestListener) {
  const folder = await mkdtemp(join(tmpdir(), 'admin-'));
  const path = join(folder, 'admin.sock');
  const server = createServer(answer);
  await once(server.listen(path), 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  return path;
}

test('is asked over a UNIX socket, one connection for each request', async () => {
  const path = await setUp((request, response) =>
    response.end(`${request.method} ${request.url} ${request.headers.connection}`),
  );
  const admin = createAdmin({ path });
  expect(await admin.get('/a?b=c', signal)).toBe('GET /a?b=c close');
  expect(await admin.post('/d', signal)).toBe('POST /d close');
});

test.each<[string, RequestListener, string]>([
  [
    'a status that says no',
    (_, r) => r.writeHead(503).end('not\nready'),
    'answered 503: not\nready',
  ],
  ['an answer that is too long', (_, r) => r.end('x'.repeat(2_000)), 'longer than 1000 bytes'],
  ['one that does not come', () => {}, 'no whole answer in 100 ms'],
  ['one that does not end', (_, r) => void r.write('x'), 'no whole answer in 100 ms'],
  ['one that is cut off', (_, r) => void r.write('x', () => r.destroy()), 'aborted'],
])('%s is an error with what was asked', async (_, answer, why) => {
  const path = await setUp(answer);
  const asked = createAdmin({ path }, { timeout: 100, maxBytes: 1_000 }).get('/x', signal);
  await expect(asked).rejects.toThrow(`cannot get /x of Envoy at ${path}: `);
  await expect(asked).rejects.toThrow(why);
});

test('where no process listens it is gone; where one is slow it is not', async () => {
  const path = await setUp(() => {});
  const failure = (place: string) =>
    createAdmin({ path: place }, { timeout: 50 })
      .get('/', signal)
      .catch((error: unknown) => error);
  expect(isGone(await failure(`${path}.none`))).toBe(true);
  expect(isGone(await failure(path))).toBe(false);
});
