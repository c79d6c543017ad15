import type { RequestListener } from 'node:http';

import { afterEach, expect, test } from 'vitest';

import { getJson } from './get.ts';
import { json, startServer, type TestServer } from './server.fixture.ts';

let server: TestServer;
afterEach(() => server[Symbol.asyncDispose]());

async function ask(answer: RequestListener, timeout = 5000): Promise<unknown> {
  server = await startServer(answer);
  const url = new URL(`${server.url}/x?secret=1`);
  return getJson({ url, timeout }, new AbortController().signal);
}

test('the answer is parsed', async () => {
  expect(await ask(json({ a: 1 }))).toEqual({ a: 1 });
});

test('redirects are followed', async () => {
  const answer: RequestListener = (request, response) => {
    if (request.url === '/there') return json(['there'])(request, response);
    response.writeHead(302, { location: '/there' }).end();
  };
  expect(await ask(answer)).toEqual(['there']);
});

test.each<[string, RequestListener, RegExp]>([
  ['a 500', (_, r) => r.writeHead(500).end('oops'), /\/x: answered 500$/],
  ['a 204', (_, r) => r.writeHead(204).end(), /answered 204$/],
  ['no JSON', (_, r) => r.end('<html>'), /not valid JSON/],
  ['an empty body', (_, r) => r.end(), /JSON/],
  [
    'endless redirects',
    (_, r) => r.writeHead(302, { location: '/x' }).end(),
    /more than 3 redirects$/,
  ],
  [
    'a redirect elsewhere',
    (_, r) => r.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    /redirected to file:/,
  ],
  ['a redirect to nowhere', (_, r) => r.writeHead(302).end(), /answered 302$/],
  [
    'a body that is cut off',
    (_, r) => {
      r.writeHead(200, { 'content-length': '100' });
      r.write('{"a":', () => r.destroy());
    },
    /aborted|cut off/,
  ],
])('%s is refused', async (_, answer, message) => {
  await expect(ask(answer)).rejects.toThrow(message);
});

test('an answer that does not end is given up, without its query in the message', async () => {
  const slow: RequestListener = (_, response) => void response.write('{');
  await expect(ask(slow, 50)).rejects.toThrow(
    /^cannot get http:..127.0.0.1:\d+.x: no whole answer in 50 ms$/,
  );
});
