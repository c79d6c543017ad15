import { type Way, ways } from './watcher.ts';
import type { WireSession } from './wire.ts';

/** What this program is told, as JSON on its command line. */
export interface CrowdOrders {
  readonly port: number;
  readonly path: string;
  readonly way: Way;
  readonly sessions: number;
  /** How many members there are at first. */
  readonly members: number;
}

/** What its parent tells it later: how many members there will be, or how often each session is to ping. */
export type CrowdOrder = { readonly members: number } | { readonly pings: number };

/** What it tells its parent; `at` is in milliseconds of the clock that all processes share. */
export type CrowdNews =
  | { readonly ready: true }
  | {
      readonly members: number;
      readonly at: number;
      readonly sent: number;
      readonly received: number;
    };

/** Many watchers in one process, which tells when the last of them knows of a change. */
const orders = JSON.parse(process.argv[2] ?? '') as CrowdOrders;
const sessions: WireSession[] = [];
let target = orders.members;
let knowing = 0;
let announced = false;

function know(members: number) {
  if (members !== target) return;
  knowing += 1;
  if (knowing === orders.sessions && announced) tell();
}

function tell() {
  const sum = (pick: (session: WireSession) => number) =>
    sessions.reduce((total, session) => total + pick(session), 0);
  say({
    members: target,
    at: performance.timeOrigin + performance.now(),
    sent: sum(({ bytes }) => bytes.sent),
    received: sum(({ bytes }) => bytes.received),
  });
}

const say = (news: CrowdNews) => void process.send?.(news);

process.on('message', (order: CrowdOrder) => {
  if ('pings' in order)
    for (let round = 0; round < order.pings; round += 1)
      for (const session of sessions) session.ping();
  else {
    target = order.members;
    knowing = 0;
  }
  say({ ready: true });
});
process.on('disconnect', () => process.exit());

while (sessions.length < orders.sessions) {
  const portion = Array.from({ length: Math.min(50, orders.sessions - sessions.length) }, () =>
    ways[orders.way](orders.port, orders.path, know),
  );
  sessions.push(...(await Promise.all(portion)));
}
announced = true;
if (knowing >= orders.sessions) tell();
