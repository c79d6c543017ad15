import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';

/**
 * A process with many small servers: `servers <tcp|http> <count>`. Tells its parent their ports, and
 * closes one for each port that it is sent; the answer is `{port, at}`, with the time before it closed on
 * `process.hrtime`'s clock, which all processes share, in milliseconds.
 */
const [kind = 'tcp', count = '1'] = process.argv.slice(2);
const servers = new Map<number, Server>();

for (let port = 10_000; servers.size < Number(count) && port < 32_768; port++) {
  const server = kind === 'http' ? httpServer() : tcpServer();
  server.listen(port, '127.0.0.1');
  const listening = await once(server, 'listening').then(
    () => true,
    () => false,
  );
  if (listening) servers.set(port, server);
}
process.send?.([...servers.keys()]);
process.on('message', (port: number) => {
  const at = Number(process.hrtime.bigint()) / 1e6;
  servers.get(port)?.close();
  process.send?.({ port, at });
});
process.on('disconnect', () => process.exit());

function httpServer(): Server {
  return createHttpServer((_, response) => response.end('ok'));
}

function tcpServer(): Server {
  return createServer((socket) => {
    socket.on('error', () => {});
    socket.resume();
  });
}
