import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { freePort } from './ports.ts';

/** One copy of a service, inside this process: answers with its name. */
export interface Copy extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  /** Makes /health fail or pass. */
  healthy(value: boolean): void;
}

/** Starts a copy on a free port. It serves until disposed of, then finishes what it is answering. */
export const startCopy = (name: string) => startCopyAt('127.0.0.1', name);

/** As `startCopy`, at another address. */
export async function startCopyAt(host: string, name: string): Promise<Copy> {
  let health = true;
  const server = createServer((request, response) => {
    if (request.url === '/health' && !health) response.statusCode = 503;
    response.end(name);
  });
  server.listen(await freePort(), host);
  await once(server, 'listening');
  return {
    name,
    port: (server.address() as AddressInfo).port,
    healthy: (value) => {
      health = value;
    },
    [Symbol.asyncDispose]: () => close(server),
  };
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  await closed;
}
