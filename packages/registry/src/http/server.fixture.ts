import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A small HTTP server for one test; `answer` may be replaced at any time. */
export interface TestServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly asked: readonly string[];
  /** Every connection so far. */
  readonly sockets: readonly Socket[];
  answer: RequestListener;
}

/** Starts a server on a free port of the loopback, or on a UNIX socket. */
export async function startServer(answer: RequestListener, path?: string): Promise<TestServer> {
  const asked: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    subject.answer(request, response);
  });
  server.on('connection', (socket) => sockets.push(socket));
  await once(path === undefined ? server.listen(0, '127.0.0.1') : server.listen(path), 'listening');
  const port = path === undefined ? (server.address() as AddressInfo).port : 0;
  const subject: TestServer = {
    port,
    url: `http://127.0.0.1:${port}`,
    asked,
    sockets,
    answer,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return subject;
}

/** A listener that answers with this JSON. */
export function json(value: unknown): RequestListener {
  return (_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(value));
  };
}
