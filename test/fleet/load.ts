import { setTimeout as sleep } from 'node:timers/promises';

import type { ZooKeeper } from '../support/zookeeper.ts';

/** What an ensemble had to do, in packets a second over all of its servers. */
export interface Load {
  readonly mean: number;
  readonly most: number;
  readonly packets: number;
}

/** Asks every server once a second until the signal aborts. One that was restarted counts from nothing. */
export async function measureLoad(
  servers: readonly ZooKeeper[],
  signal: AbortSignal,
): Promise<Load> {
  const last = new Map<ZooKeeper, number>();
  const seconds: number[] = [];
  let at = performance.now();
  while (!signal.aborted) {
    await sleep(1_000, undefined, { signal }).catch(() => {});
    const counted = await Promise.all(servers.map((server) => packetsSince(server, last)));
    const now = performance.now();
    const sum = counted.reduce((total, one) => total + one, 0);
    seconds.push((sum * 1_000) / (now - at));
    at = now;
  }
  const total = seconds.reduce((sum, one) => sum + one, 0);
  return { mean: total / seconds.length, most: Math.max(...seconds), packets: total };
}

/** Received and sent; those of a server that does not answer are counted when it does again. */
async function packetsSince(server: ZooKeeper, last: Map<ZooKeeper, number>): Promise<number> {
  const answer = await server.fourLetter('srvr');
  const [received, sent] = ['Received', 'Sent'].map((key) =>
    Number(new RegExp(`^${key}: (\\d+)$`, 'm').exec(answer)?.[1] ?? Number.NaN),
  );
  const now = (received ?? Number.NaN) + (sent ?? Number.NaN);
  if (Number.isNaN(now)) return 0;
  const before = last.get(server);
  last.set(server, now);
  if (before === undefined) return 0;
  return now < before ? now : now - before;
}
