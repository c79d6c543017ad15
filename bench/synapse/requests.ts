import type { ZooKeeper } from '../../test/support/zookeeper.ts';

/** What every client of a ZooKeeper server has sent it so far, by the client's address. */
async function received(zookeeper: ZooKeeper): Promise<ReadonlyMap<string, number>> {
  const lines = (await zookeeper.fourLetter('cons')).split('\n');
  return new Map(
    lines.flatMap((line) => {
      const [, client, packets] = /^\s*\/(\S+?)\[.*recved=(\d+)/.exec(line) ?? [];
      return client !== undefined && line.includes('sid=') ? [[client, Number(packets)]] : [];
    }),
  );
}

/** Counts the packets of one client: whoever connects after this and before the first count. */
export async function createPacketCount(zookeeper: ZooKeeper) {
  const others = await received(zookeeper);
  return async (): Promise<number> =>
    [...(await received(zookeeper))]
      .filter(([client]) => !others.has(client))
      .reduce((sum, [, packets]) => sum + packets, 0);
}
