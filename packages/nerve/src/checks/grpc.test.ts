import { once } from 'node:events';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';

import { expect, test } from 'vitest';
import { closedPort } from './server.fixture.ts';
import { checkSchema, createCheck } from './table.ts';
import { createTtlReports } from './ttl-reports.ts';

const { signal } = new AbortController();

async function grpcServer(answer: (stream: ServerHttp2Stream, request: Buffer) => void) {
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream) => {
    const chunks: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => answer(stream, Buffer.concat(chunks)));
  });
  server.listen(await closedPort(), '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers with a serving status, as a gRPC server does. */
const serving = (status: number) => (stream: ServerHttp2Stream) => {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  const message = status === 0 ? [] : [8, status];
  stream.end(Buffer.from([0, 0, 0, 0, message.length, ...message]));
};

/** Answers with trailers alone. */
const refused = (code: number, message: string) => (stream: ServerHttp2Stream) =>
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': code,
      'grpc-message': message,
    },
    { endStream: true },
  );

async function run(port: number, keys: object = {}): Promise<void> {
  const config = checkSchema.parse({ type: 'grpc', ...keys });
  const deps = {
    service: 'api',
    host: '127.0.0.1',
    port,
    directory: '/',
    ttlReports: createTtlReports(),
  };
  await (await createCheck(config, deps)).run(signal);
}

test('a server that says SERVING passes', async () => {
  await using server = await grpcServer(serving(1));
  await run(server.port);
});

test('it asks after the service that is configured', async () => {
  let asked: Buffer | undefined;
  await using server = await grpcServer((stream, request) => {
    asked = request;
    serving(1)(stream);
  });
  await run(server.port, { service: 'my.Api' });
  expect(asked).toEqual(Buffer.from([0, 0, 0, 0, 8, 10, 6, ...Buffer.from('my.Api')]));
});

test.each([
  ['UNKNOWN', serving(0)],
  ['NOT_SERVING', serving(2)],
  ['SERVICE_UNKNOWN', serving(3)],
  ['NOT_FOUND: unknown service', refused(5, 'unknown service')],
  ['UNIMPLEMENTED (no health service there)', refused(12, '')],
  [
    'HTTP status 404',
    (stream: ServerHttp2Stream) => stream.respond({ ':status': 404 }, { endStream: true }),
  ],
  [
    'not a gRPC answer',
    (stream: ServerHttp2Stream) => {
      stream.respond({ ':status': 200 });
      stream.end('ok');
    },
  ],
])('an answer %s fails', async (reason, answer) => {
  await using server = await grpcServer(answer);
  await expect(run(server.port)).rejects.toThrow(
    `ask grpc health of 127.0.0.1:${server.port}: ${reason}`,
  );
});
