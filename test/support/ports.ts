import { createServer } from 'node:net';

/** Below Linux' range for outgoing connections, which would otherwise take such a port now and then. */
const lowest = 10_000;
const highest = 32_767;
const given = new Set<number>();

/** A TCP port that nobody listens on, on any address; never the same one twice in a process. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest + 1));
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
