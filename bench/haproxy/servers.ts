import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Servers in a process of their own: `open` answers with a port, `close` ends one as a good service does. */
export type ServerOrder = { readonly open: true } | { readonly close: number };

const servers = new Map<number, Server>();

process.on('message', (order: ServerOrder) => {
  if ('open' in order) void open().then((number) => process.send?.(number));
  else void close(order.close).then(() => process.send?.(order.close));
});

async function open(): Promise<number> {
  const server = createServer((_, response) => response.end('ok'));
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: number } = server.address() as AddressInfo;
  servers.set(number, server);
  return number;
}

async function close(number: number): Promise<void> {
  const server = servers.get(number);
  servers.delete(number);
  server?.close();
  server?.closeIdleConnections();
}
