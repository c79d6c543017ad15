import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

import { afterEach, expect, test } from 'vitest';

import type { ConnectionOptions } from './connection.ts';
import { SessionExpired } from './errors.ts';
import { openConnection } from './handshake.ts';

const signal = new AbortController().signal;
let server: Server | undefined;
let accepted: Socket[] = [];
afterEach(() => {
  for (const socket of accepted) socket.destroy();
  accepted = [];
  server?.close();
});

/** A server that answers what it is told to a first frame, and then nothing. */
async function answering(answer: Buffer | undefined): Promise<ConnectionOptions> {
  server = createServer((socket) => {
    accepted.push(socket);
    socket.on('error', () => {});
    socket.once('data', () => answer && socket.write(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: { name: 'zk', ip: '127.0.0.1', port },
    timeout: 4_000,
    handshake: 300,
  };
}

/** A connect response: version, timeout, session id, password. */
function response(timeout: number): Buffer {
  const frame = Buffer.alloc(4 + 36);
  frame.writeInt32BE(36, 0);
  frame.writeInt32BE(timeout, 8);
  frame.writeBigInt64BE(7n, 12);
  frame.writeInt32BE(16, 20);
  return frame;
}

test('a handshake gives a session and the timeout that the server granted', async () => {
  const connection = await openConnection(await answering(response(2_500)), signal);
  expect(connection.timeout).toBe(2_500);
  expect(connection.credentials().id.readBigInt64BE()).toBe(7n);
  connection.destroy(new Error('enough'));
  expect(connection.gone.reason).toMatchObject({ message: 'enough' });
});

test('a refused session is SessionExpired', async () => {
  const opened = openConnection(await answering(response(0)), signal);
  await expect(opened).rejects.toThrow(SessionExpired);
});

test('a server that accepts and says nothing is left when the time for the handshake is over', async () => {
  const opened = openConnection(await answering(undefined), signal);
  await expect(opened).rejects.toThrow(/^zk:\d+ did not answer within 300 ms$/);
});

test('an aborted attempt leaves no socket behind', async () => {
  const aborted = new AbortController();
  const opened = openConnection(await answering(undefined), aborted.signal);
  setTimeout(() => aborted.abort(), 50);
  await expect(opened).rejects.toThrow(/was given up$/);
  await expect
    .poll(() => accepted.every((socket) => socket.destroyed || socket.readableEnded))
    .toBe(true);
});

test('request numbers start over before they leave 31 bits', async () => {
  const connection = await openConnection(await answering(response(4_000)), signal);
  const { connectionManager } = connection.client;
  connectionManager.xid = 2 ** 31 - 1;
  connection.ping();
  expect(connectionManager.xid).toBe(1);
  connection.destroy(new Error('enough'));
});

test('garbage after the handshake ends the connection, with the reason', async () => {
  const connection = await openConnection(await answering(response(4_000)), signal);
  accepted[0]?.write('HTTP/1.1 400 Bad Request');
  await once(connection.gone, 'abort');
  expect(connection.gone.reason.message).toContain("cannot be ZooKeeper's");
});
