import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { silentLog } from '@smartstack/daemon';
import { expect, onTestFinished, test } from 'vitest';

import { createHttpClient, type HttpClientOptions } from './client.ts';
import { HttpError } from './error.ts';
import { CutOff } from './lines.ts';
import { json, startServer, type TestServer } from './server.fixture.ts';
import { createTokenFile } from './token-file.ts';

const signal = new AbortController().signal;
const limits = { maxLine: 1000, silence: 5000 };

/** A listener that may wait. */
type Answer = (...args: Parameters<RequestListener>) => unknown;

async function setUp(answer: Answer, options: Partial<HttpClientOptions> = {}) {
  const server = await startServer((...args) => void answer(...args));
  const client = createHttpClient({ url: new URL(server.url), ...options });
  onTestFinished(async () => {
    client[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  });
  return { server, client };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

test('a request has its method, headers and body; the answer its status and headers', async () => {
  const { client } = await setUp(
    async (request, response) => {
      response.setHeader('x-index', '7');
      const { method, url, headers } = request;
      const { authorization, 'content-type': type, 'x-own': own } = headers;
      json({ method, url, authorization, type, own, body: await bodyOf(request) })(
        request,
        response,
      );
    },
    { headers: async () => ({ authorization: 'Bearer x' }) },
  );
  const answer = await client.json(
    { method: 'PUT', path: '/v1/x?y=1', headers: { 'x-own': '1' }, body: { a: 1 } },
    signal,
  );
  expect(answer).toMatchObject({
    status: 200,
    headers: { 'x-index': '7' },
    body: {
      method: 'PUT',
      url: '/v1/x?y=1',
      authorization: 'Bearer x',
      type: 'application/json',
      own: '1',
      body: '{"a":1}',
    },
  });
});

test('a path is put behind the one of the URL', async () => {
  const { server } = await setUp(json(1));
  const client = createHttpClient({ url: new URL(`${server.url}/k8s/clusters/c1/`) });
  onTestFinished(() => client[Symbol.dispose]());
  await client.json({ path: '/version' }, signal);
  expect(server.asked).toEqual(['/k8s/clusters/c1/version']);
});

test('requests one after the other share a connection', async () => {
  const { server, client } = await setUp(json({}));
  for (let n = 0; n < 5; n++) await client.json({ path: '/' }, signal);
  expect(server.sockets).toHaveLength(1);
});

test('a connection that the server has closed meanwhile fails no request', async () => {
  const { server, client } = await setUp(json({}));
  for (let n = 0; n < 5; n++) {
    await client.json({ path: '/' }, signal);
    for (const socket of server.sockets) socket.resetAndDestroy();
  }
  expect(server.asked.length).toBeGreaterThanOrEqual(5);
});

test('a server is asked over a UNIX socket', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'http-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await chmod(folder, 0o700);
  const socketPath = join(folder, 'agent.sock');
  const server = await startServer(json(['here']), socketPath);
  const client = createHttpClient({ url: new URL('http://agent'), socketPath });
  onTestFinished(async () => {
    client[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  });
  expect((await client.json({ path: '/x' }, signal)).body).toEqual(['here']);
  server.answer = () => {};
  await expect(client.json({ path: '/x', timeout: 50 }, signal)).rejects.toThrow(
    `cannot get /x of ${socketPath}: no whole answer in 50 ms`,
  );
});

test('an empty answer is undefined; an answer of any status can be read', async () => {
  const { client } = await setUp((_, response) => response.writeHead(204).end());
  expect((await client.json({ path: '/' }, signal)).body).toBeUndefined();
  expect(await client.send({ path: '/' }, signal)).toMatchObject({ status: 204 });
});

test('a status that says no is an error with it and with what was said', async () => {
  const { client } = await setUp((_, r) => r.writeHead(403, { 'x-why': 'acl' }).end('no\nway'));
  const asked = client.json({ method: 'PUT', path: '/v1/x?token=secret' }, signal);
  await expect(asked).rejects.toThrow(
    /^cannot put http:..127.0.0.1:\d+.v1.x: answered 403: no way$/,
  );
  const error = await asked.catch((each: unknown) => each);
  expect(error).toBeInstanceOf(HttpError);
  expect(error).toMatchObject({ status: 403, headers: { 'x-why': 'acl' } });
});

test.each<[string, RequestListener, RegExp]>([
  [
    'a redirect',
    (_, r) => r.writeHead(302, { location: 'http://elsewhere/' }).end(),
    /answered 302, a redirect to http:..elsewhere/,
  ],
  ['half JSON', (_, r) => r.end('{"a":'), /not valid JSON$/],
  ['an answer that is too long', (_, r) => r.end('x'.repeat(5000)), /longer than 4000 bytes$/],
  ['an answer that does not end', (_, r) => void r.write('{'), /no whole answer in 300 ms$/],
  [
    'an answer that is cut off',
    (_, r) => {
      r.writeHead(200, { 'content-length': '100' });
      r.write('{"a":', () => r.destroy());
    },
    /aborted|cut off/,
  ],
])('%s is refused', async (_, answer, message) => {
  const { client } = await setUp(answer);
  const request = { path: '/x', maxBytes: 4000, timeout: 300 };
  await expect(client.json(request, signal)).rejects.toThrow(message);
});

test('an abort is no failure of the server', async () => {
  const { client } = await setUp((_, r) => void r.write('{'));
  const ended = new AbortController();
  const asked = client.json({ path: '/' }, ended.signal);
  ended.abort(new Error('enough'));
  await expect(asked).rejects.toThrow('enough');
});

async function linesOf(client: ReturnType<typeof createHttpClient>, more = {}): Promise<string[]> {
  const got: string[] = [];
  const { body } = await client.lines({ path: '/', ...limits, ...more }, signal);
  try {
    for await (const line of body) got.push(line.toString());
    got.push('ended');
  } catch (error) {
    got.push(error instanceof CutOff ? `cut: ${error.message}` : String(error));
  }
  return got;
}

test('lines come as they are sent, whatever pieces they come in, and end with the answer', async () => {
  const { client } = await setUp(async (_, response) => {
    for (const part of ['a', 'b\nc', '\n\nd\ne', 'f'])
      await new Promise((resolve) => response.write(part, resolve));
    response.end();
  });
  expect(await linesOf(client, { timeout: 4000 })).toEqual(['ab', 'c', 'd', 'ef', 'ended']);
});

test.each<[string, RequestListener, string[]]>([
  [
    'a cut stream',
    (_, r) => void r.write('a\nhalf', () => setTimeout(() => r.destroy(), 20)),
    ['a', 'cut: the stream was cut off'],
  ],
  [
    'a line that is too long',
    (_, r) => void r.write(`a\n${'x'.repeat(5000)}`),
    ['a', 'cut: a line is longer than 1000 bytes'],
  ],
  ['a silent stream', (_, r) => void r.write('a\n'), ['a', 'cut: nothing came for 100 ms']],
])('%s is told apart from one that ended', async (_, answer, expected) => {
  const { client } = await setUp(answer);
  expect(await linesOf(client, { silence: 100, timeout: 50 })).toEqual(expected);
});

test('a stream whose head does not come, or says no, is an error', async () => {
  const { server, client } = await setUp(() => {});
  await expect(client.lines({ path: '/', ...limits, timeout: 50 }, signal)).rejects.toThrow(
    /no whole answer in 50 ms$/,
  );
  server.answer = (_, response) => response.writeHead(410).end('gone');
  await expect(client.lines({ path: '/', ...limits }, signal)).rejects.toThrow('410: gone');
});

test('an abort ends a stream, also its connection', async () => {
  const { server, client } = await setUp((_, response) => void response.write('a\n'));
  const ended = new AbortController();
  const { body } = await client.lines({ path: '/', ...limits }, ended.signal);
  await expect(
    (async () => {
      for await (const _ of body) ended.abort(new Error('enough'));
    })(),
  ).rejects.toThrow('enough');
  const [socket] = (server as TestServer).sockets;
  if (!socket?.destroyed) await once(socket as NonNullable<typeof socket>, 'close');
});

test('a token is read again when its file changes; an empty file keeps the last good', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'http-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'token');
  const token = createTokenFile(file, silentLog, 100);
  await expect(token()).rejects.toThrow('ENOENT');
  await writeFile(file, 'one\n');
  expect(await token()).toBe('one');
  await writeFile(file, '');
  await expect.poll(token, { timeout: 3000 }).toBe('one');
  await writeFile(file, 'second');
  await expect.poll(token, { timeout: 3000 }).toBe('second');
});
