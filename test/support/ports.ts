import { createServer } from 'node:net';

/** Below Linux' range for outgoing connections, which would otherwise take such a port now and then. */
const lowest = 10_000;
const highest = 32_767;
const given = new Set<number>();
/** Test files that run at the same time have ports of their own: one is given before anything listens there. */
const workers = 8;
const worker = Number(process.env.VITEST_POOL_ID ?? 0) % workers;

/** A TCP port that nobody listens on, on any address; never the same one twice in a run. */
export async function freePort(): Promise<number> {
  for (;;) {
    const step = Math.floor((Math.random() * (highest - lowest + 1)) / workers);
    const port = lowest + step * workers + worker;
    if (port > highest) continue;
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
