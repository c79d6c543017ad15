import { setTimeout as sleep } from 'node:timers/promises';

import type { ZooKeeper } from '../support/zookeeper.ts';

/** What an ensemble had to do, in packets a second over all of its servers. */
export interface Load {
  readonly mean: number;
  readonly most: number;
}

interface Count {
  readonly packets: number;
  readonly at: number;
}

/** Asks every server once a second until the signal aborts. One that was restarted counts from nothing. */
export async function measureLoad(
  servers: readonly ZooKeeper[],
  signal: AbortSignal,
): Promise<Load> {
  const counts = new Map<ZooKeeper, Count>();
  const begun = performance.now();
  let total = 0;
  let most = 0;
  while (!signal.aborted) {
    await sleep(1_000, undefined, { signal }).catch(() => {});
    let rate = 0;
    for (const server of servers) {
      const before = counts.get(server);
      const now = await countOf(server);
      if (!now) continue;
      counts.set(server, now);
      if (!before) continue;
      const packets = now.packets < before.packets ? now.packets : now.packets - before.packets;
      total += packets;
      rate += (packets * 1_000) / (now.at - before.at);
    }
    most = Math.max(most, rate);
  }
  return { mean: (total * 1_000) / (performance.now() - begun), most };
}

/** Received and sent; undefined when it does not answer, and is to be counted when it does again. */
async function countOf(server: ZooKeeper): Promise<Count | undefined> {
  const answer = await server.fourLetter('srvr');
  const numbers = ['Received', 'Sent'].map((key) =>
    Number(new RegExp(`^${key}: (\\d+)$`, 'm').exec(answer)?.[1]),
  );
  const packets = numbers.reduce((sum, number) => sum + number, 0);
  return Number.isNaN(packets) ? undefined : { packets, at: performance.now() };
}
