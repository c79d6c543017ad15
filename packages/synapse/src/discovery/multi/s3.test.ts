import type { RequestListener } from 'node:http';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startServer, type TestServer } from '../../../../registry/src/http/server.fixture.ts';
import { loadAws } from '../aws.ts';
import { toggleObject } from './s3.ts';

/** A server of S3's API, which the SDK itself asks. */
let server: TestServer;
beforeEach(async () => {
  server = await startServer((_, response) => response.end('primary: 1'));
  vi.stubEnv('AWS_ENDPOINT_URL_S3', server.url);
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server[Symbol.asyncDispose]();
});

const read = (signal = new AbortController().signal, timeout = 1000) =>
  toggleObject('s3://bucket/a/b.yaml', loadAws, timeout)(signal);

test('an object is asked for by bucket and key', async () => {
  expect(await read()).toBe('primary: 1');
  expect(server.asked).toEqual(['/bucket/a/b.yaml?x-id=GetObject']);
});

test.each<[string, RequestListener, RegExp, timeout?: number]>([
  [
    'no such key',
    (_, r) =>
      r
        .writeHead(404)
        .end('<Error><Code>NoSuchKey</Code><Message>It is not there</Message></Error>'),
    /It is not there/,
  ],
  ['a 500', (_, r) => r.writeHead(500).end(), /UnknownError|500|Internal/],
  [
    'a bucket elsewhere',
    (_, r) =>
      r
        .writeHead(301, { location: '/there' })
        .end('<Error><Code>PermanentRedirect</Code><Message>Use the other</Message></Error>'),
    /Use the other/,
  ],
  [
    'a body that is cut off',
    (_, r) => {
      r.writeHead(200, { 'content-length': '100' });
      r.write('primary', () => r.destroy());
    },
    /aborted|ECONNRESET|premature/i,
  ],
  ['no answer', () => {}, /^cannot ask @aws-sdk\/client-s3: no whole answer in 200 ms$/, 200],
  [
    'an object that is no toggle',
    (_, r) => void r.writeHead(200).end('x'.repeat(3_000_000)),
    /^the object is longer than 1048576 characters$/,
  ],
  [
    'a body that does not end',
    (_, r) => void r.writeHead(200, { 'content-length': '100' }).write('primary'),
    /^cannot ask @aws-sdk\/client-s3: no whole answer in 200 ms$/,
    200,
  ],
])('%s is an error', async (_, answer, message, timeout) => {
  server.answer = answer;
  await expect(read(undefined, timeout)).rejects.toThrow(message);
});

test('a wait ends with the signal', async () => {
  const ended = new AbortController();
  server.answer = () => ended.abort();
  await expect(read(ended.signal)).rejects.toThrow(/abort/i);
});
