import { createServer, type Socket } from 'node:net';

import { describe, expect, onTestFinished, test } from 'vitest';
import { checkSchema, createCheck } from './table.ts';
import { createTtlReports } from './ttl-reports.ts';

const many = Array.from({ length: 400 }, (_, index) => `X-H${index}: ${'v'.repeat(60)}`);

/** Answers as servers in the wild give them, each of which curl takes with exit code 0. */
const taken: readonly (readonly [string, string])[] = [
  ['lines that end in LF alone', 'HTTP/1.0 200 OK\nContent-Type: text/plain\n\nOK\n'],
  ['more body than its length', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK and more'],
  ['its length twice', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nOK'],
  ['no reason phrase', 'HTTP/1.1 200\r\n\r\nOK'],
  ['a space before a colon', 'HTTP/1.1 200 OK\r\nX-Thing : a\r\n\r\nOK'],
  [
    'a length beside chunks',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n',
  ],
  ['headers of over 16 KiB', `HTTP/1.1 200 OK\r\n${many.join('\r\n')}\r\n\r\nOK`],
  ['bytes that no header has', 'HTTP/1.1 200 OK\r\nX-Thing: caf\xe9\x01\r\n\r\nOK'],
  ['100 before it', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK'],
];

const refused: readonly (readonly [string, string, string])[] = [
  [
    'a body shorter than its length',
    'HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nNode is synced.\r\n',
    'connection closed before the answer was whole',
  ],
  ['no HTTP at all', 'OK\n', 'not an HTTP answer: Expected HTTP/, RTSP/ or ICE/'],
  [
    'two lengths',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nOK',
    'not an HTTP answer: Duplicate Content-Length',
  ],
  [
    'headers without end',
    `HTTP/1.1 200 OK\r\n${`X-A: ${'v'.repeat(1000)}\r\n`.repeat(400)}`,
    'not an HTTP answer: Header overflow',
  ],
];

/** A server that sends a text to its client, then ends. */
async function serve(
  text: string,
): Promise<{ readonly port: number; readonly asked: () => number }> {
  let asked = 0;
  const answer = (socket: Socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      asked += 1;
      socket.end(Buffer.from(text, 'latin1'));
    });
  };
  const server = createServer(answer).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  return { port: (server.address() as { port: number }).port, asked: () => asked };
}

async function checkOf(port: number, keys: object = {}) {
  const config = checkSchema.parse({ type: 'http', uri: '/health', timeout: 5, ...keys });
  const service = {
    service: 'web',
    host: '127.0.0.1',
    port,
    directory: '/',
    ttlReports: createTtlReports(),
  };
  return createCheck(config, service);
}

const running = () => new AbortController().signal;

describe('an http check takes an answer with', () => {
  test.each(taken)('%s', async (_, text) => {
    const { port, asked } = await serve(text);
    const check = await checkOf(port, { expect: 'OK' });
    await check.run(running());
    const before = asked();
    expect(before).toBeLessThanOrEqual(2);
    await check.run(running());
    expect(asked()).toBe(before + 1);
  });
});

describe('an http check refuses, in the parser’s own words, an answer with', () => {
  test.each(refused)('%s', async (_, text, reason) => {
    const { port } = await serve(text);
    await expect((await checkOf(port)).run(running())).rejects.toThrow(reason);
  });
});
