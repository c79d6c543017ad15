import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

import { afterEach, expect, test } from 'vitest';

import { decodeAnswer, encodeQuery } from './message.ts';
import { resolveSrv } from './srv.ts';

const { signal } = new AbortController();
const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

/** A server that answers the bytes that are given for a question, over UDP and over TCP. */
async function serve(udp: (query: Buffer) => Buffer, tcp: (query: Buffer) => Buffer = udp) {
  const server = createServer((socket) => {
    socket.once('data', (query) => {
      const answer = tcp(query.subarray(2));
      // In two parts, as a network may.
      socket.write(Buffer.from([answer.length >> 8]));
      socket.end(Buffer.concat([Buffer.from([answer.length & 255]), answer]));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const socket = createSocket('udp4', (query, from) => {
    socket.send(udp(query), from.port, from.address);
  }).bind(port, '127.0.0.1');
  await once(socket, 'listening');
  open.push({
    [Symbol.asyncDispose]: async () => {
      socket.close();
      server.close();
      await once(server, 'close');
    },
  });
  return `127.0.0.1:${port}`;
}

/** An answer to a question: its flags, and one record whose target is a pointer into the question. */
function answerTo(query: Buffer, flags: number, record = true): Buffer {
  const question = query.subarray(12, query.indexOf(0, 12) + 5);
  const header = Buffer.from([0, 0, flags >> 8, flags & 255, 0, 1, 0, record ? 1 : 0, 0, 0, 0, 0]);
  query.copy(header, 0, 0, 2);
  const srv = [0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 9, 0, 8, 0, 1, 0, 2, 0, 80, 0xc0, 12];
  return Buffer.concat([header, question, Buffer.from(record ? srv : [])]);
}

const records = [{ priority: 1, weight: 2, port: 80, name: '_web._tcp.test', ttl: 9_000 }];

test('records come with their times to live', async () => {
  const server = await serve((query) => answerTo(query, 0x8180));
  expect(await resolveSrv('_web._tcp.test', [server], signal)).toEqual(records);
});

test('an answer that does not fit a datagram is asked for over TCP', async () => {
  const server = await serve(
    (query) => answerTo(query, 0x8380, false),
    (query) => answerTo(query, 0x8180),
  );
  expect(await resolveSrv('_web._tcp.test', [server], signal)).toEqual(records);
});

test('a server that fails is followed by the next', async () => {
  const bad = await serve((query) => answerTo(query, 0x8182, false));
  const good = await serve((query) => answerTo(query, 0x8180));
  expect(await resolveSrv('_web._tcp.test', [bad, good], signal)).toEqual(records);
  await expect(resolveSrv('_web._tcp.test', [bad], signal)).rejects.toThrow(
    `cannot look up _web._tcp.test: ${bad}: failed with code 2`,
  );
});

test('a name that is not there has no records', async () => {
  const server = await serve((query) => answerTo(query, 0x8183, false));
  expect(await resolveSrv('_web._tcp.test', [server], signal)).toEqual([]);
});

test('a server that is not there is named', async () => {
  await expect(resolveSrv('_web._tcp.test', ['127.0.0.1:1'], signal)).rejects.toThrow(
    /127\.0\.0\.1:1: .*ECONNREFUSED/,
  );
});

test('an answer to another question is none', () => {
  const query = encodeQuery(7, '_web._tcp.test');
  expect(decodeAnswer(8, answerTo(query, 0x8180))).toBeUndefined();
  expect(decodeAnswer(7, query)).toBeUndefined();
  expect(decodeAnswer(7, Buffer.alloc(3))).toBeUndefined();
});

test('whatever comes, reading it ends', () => {
  const answer = answerTo(encodeQuery(7, '_web._tcp.test'), 0x8180);
  const loop = Buffer.from(answer);
  loop.writeUInt16BE(0xc000 | (answer.length - 2), answer.length - 2);
  expect(() => decodeAnswer(7, loop)).toThrow('leads in circles');
  for (let length = 12; length < answer.length; length += 1) {
    const cut = answer.subarray(0, length);
    expect(() => decodeAnswer(7, cut)).toThrow();
  }
  for (let seed = 0; seed < 2_000; seed += 1) {
    const noise = Buffer.from(answer);
    for (let at = 2; at < noise.length; at += 1 + (seed % 7))
      noise[at] = (seed * 31 + at * 17) & 255;
    try {
      decodeAnswer(7, noise);
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
    }
  }
});
