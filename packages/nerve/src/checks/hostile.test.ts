import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { fullServer } from './full-server.fixture.ts';
import { createProbe } from './probe.ts';
import { closedPort, tcpServer } from './server.fixture.ts';
import { checkSchema, createCheck } from './table.ts';
import { createTtlReports } from './ttl-reports.ts';

/** Every check over the network that expects an answer, and the first half of one. */
const checks = [
  [{ type: 'http', uri: '/' }, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'],
  [{ type: 'https', uri: '/' }, '\u0016\u0003\u0003'],
  [{ type: 'redis' }, '+PO'],
  [{ type: 'rabbitmq' }, '\u0001\0\0\0\0\0\u0010\0\n\0\n'],
  [{ type: 'postgres' }, 'R\0\0\0\u0008\0'],
  [{ type: 'mysql' }, 'J\0\0\0\n8.0'],
  [{ type: 'grpc' }, '\0\0\u0012\u0004\0\0\0'],
] as const;

const timeout = 200;

/** One check, whose client is loaded by then. */
async function probeOf(keys: object, port: number) {
  const config = checkSchema.parse({ ...keys, timeout: timeout / 1000 });
  const deps = {
    service: 'web',
    host: '127.0.0.1',
    port,
    directory: '/',
    ttlReports: createTtlReports(),
  };
  const check = await createCheck(config, deps);
  return createProbe(check, timeout, new AbortController().signal);
}

/**
 * Four times the timeout, in turns of the event loop that the check has too: what the other tests of this process
 * take of it is not the check's.
 */
async function late() {
  for (let turn = 0; turn < 4; turn += 1) await sleep(timeout);
  return { passed: undefined, reason: 'late' };
}

const hostile: readonly (readonly [string, (socket: Socket, half: string) => unknown])[] = [
  ['is silent', () => {}],
  ['is slow', (socket, half) => setTimeout(() => socket.write(half), 5 * timeout).unref()],
  ['closes at once', (socket) => socket.end()],
  ['resets the connection', (socket) => socket.once('data', () => socket.resetAndDestroy())],
  ['answers garbage', (socket) => socket.end('\u0001garbage\r\n\r\n')],
  ['pours out garbage without end', (socket) => pour(socket)],
  ['answers half and closes', (socket, half) => socket.end(Buffer.from(half, 'latin1'))],
  ['answers half and stops', (socket, half) => socket.write(Buffer.from(half, 'latin1'))],
];

function pour(socket: Socket): void {
  if (!socket.destroyed) socket.write(Buffer.alloc(65_536, 'x'), () => setImmediate(pour, socket));
}

let full: Awaited<ReturnType<typeof fullServer>>;
beforeAll(async () => {
  full = await fullServer();
});
afterAll(() => full[Symbol.asyncDispose]());

describe.concurrent.each(checks)(
  '%j fails in time, says on what, and lets go of a server that',
  (keys, half) => {
    test.each(hostile)('%s', async (_, onConnection) => {
      let open = 0;
      await using server = await tcpServer((socket) => {
        open++;
        socket.on('close', () => open--);
        socket.resume();
        onConnection(socket, half);
      });
      const probe = await probeOf(keys, server.port);
      const result = await Promise.race([probe(), late()]);
      expect(result).toMatchObject({ passed: false });
      expect(result.reason).toContain(`127.0.0.1:${server.port}`);
      await vi.waitFor(() => expect(open).toBe(0));
    });

    test('is not there', async () => {
      const port = await closedPort();
      const { reason } = await (await probeOf(keys, port))();
      expect(reason).toMatch(/127\.0\.0\.1:\d+\S*: refused$/);
    });

    test('does not accept', async () => {
      const { reason } = await (await probeOf(keys, full.port))();
      expect(reason).toContain(`no answer within ${timeout} ms`);
    });
  },
);
