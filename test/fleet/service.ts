import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { startTraffic, type Traffic } from '../support/traffic.ts';

/** What a copy of a service is told on its command line, as JSON. */
export interface CopyOrders {
  /** What it answers with, and what its requests are named after. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** The local ports of the services that it calls. */
  readonly calls: readonly number[];
  /** Requests a second to each of them. */
  readonly rate: number;
}

/** A request that was lost. Times are milliseconds of `Date.now`. */
export interface Loss {
  readonly path: string;
  readonly since: number;
  readonly until: number;
  readonly reason: string;
}

/** What it prints, a line of JSON each. */
export type CopyNews =
  | { readonly listens: true }
  | { readonly lost: Loss }
  | { readonly sent: number; readonly answered: number }
  | { readonly rests: true };

/** How long it answers on after SIGTERM while it says that it is not healthy. */
const drain = 1_500;

/**
 * A copy of a service: answers, and from the first line of its input to the last calls the other services
 * through their local ports. SIGTERM ends it as a service should end: first it is unhealthy, then it
 * finishes what it has begun.
 */
const orders = JSON.parse(process.argv[2] ?? '') as CopyOrders;
const ended = new AbortController();
let healthy = true;
let requests = 0;

const server = createServer((request, response) => {
  const check = request.url === '/health';
  if (check && !healthy) response.statusCode = 503;
  setTimeout(() => response.end(orders.name), check ? 0 : Math.random() * 20);
});
server.listen(orders.port, orders.address);
await once(server, 'listening');
say({ listens: true });
await once(process.stdin, 'data');
const traffic = orders.calls.map((port) =>
  startTraffic(port, orders.rate, ended.signal, {
    patience: 20_000,
    next: () => `/${orders.name}/${process.pid}-${requests++}`,
    lost: (path, since, reason) => say({ lost: { path, since, until: Date.now(), reason } }),
  }),
);
const resting = tellOf(traffic);
process.stdin.once('end', () => ended.abort());
await once(process, 'SIGTERM');
healthy = false;
await sleep(drain);
server.close();
ended.abort();
await resting;
server.closeIdleConnections();
process.stdin.destroy();

async function tellOf(all: readonly Traffic[]): Promise<void> {
  while (!ended.signal.aborted) {
    say(tally(all));
    await sleep(500, undefined, { signal: ended.signal }).catch(() => {});
  }
  await Promise.all(all.map(({ done }) => done));
  say(tally(all));
  say({ rests: true });
}

function tally(all: readonly Traffic[]): CopyNews {
  const sum = (pick: (one: Traffic) => number) => all.reduce((total, one) => total + pick(one), 0);
  return { sent: sum(({ sent }) => sent), answered: sum(({ answered }) => answered) };
}

function say(news: CopyNews): void {
  process.stdout.write(`${JSON.stringify(news)}\n`);
}
