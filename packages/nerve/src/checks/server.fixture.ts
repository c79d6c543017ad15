import { type EventEmitter, once } from 'node:events';
import { createServer, type Server as HttpServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';

import { hasCode } from '@smartstack/daemon';

import { certificate } from './certificate.fixture.ts';

/** A server of a test on a free port below 32768, where no outgoing socket can take it. */
export interface TestServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** How many connections it accepted so far. */
  readonly accepted: number;
}

export const tcpServer = (onConnection: (socket: Socket) => void, host?: string) =>
  start(createTcpServer(onConnection), host);

export const httpServer = (listener: RequestListener, host?: string) =>
  start(createServer(listener), host);

/** HTTPS with a certificate that no authority signed. */
export const httpsServer = (listener: RequestListener, options: TlsOptions = {}) =>
  start(createTlsServer({ ...certificate, ...options }, listener));

/** A port that nothing listens on. */
export async function closedPort(host?: string): Promise<number> {
  const server = await tcpServer(() => {}, host);
  await server[Symbol.asyncDispose]();
  return server.port;
}

async function start(server: Server | HttpServer, host = '127.0.0.1'): Promise<TestServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  (server as EventEmitter).on('connection', (socket: Socket) => {
    accepted++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  const port = await listen(server, host);
  return {
    host,
    port,
    get accepted() {
      return accepted;
    },
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function listen(server: Server, host: string): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    try {
      server.listen(port, host);
      await once(server, 'listening');
      return port;
    } catch (error) {
      if (!hasCode(error, 'EADDRINUSE')) throw error;
    }
  }
}
