import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** A statsd server on a free UDP port of 127.0.0.1; `received` has the lines that came. */
export async function startStatsdServer() {
  const received: string[] = [];
  const socket = createSocket('udp4', (message) => received.push(...String(message).split('\n')));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { port: socket.address().port, received, [Symbol.dispose]: () => socket.close() };
}
