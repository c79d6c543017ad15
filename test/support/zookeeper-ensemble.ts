import { freePort } from './ports.ts';
import { startZooKeeper, type ZooKeeper, type ZooKeeperOptions } from './zookeeper.ts';

/** Several servers that form one ensemble. Disposing of it stops all. */
export interface Ensemble extends AsyncDisposable {
  readonly servers: readonly ZooKeeper[];
  /** `address:port` of each, separated by commas. */
  readonly hosts: string;
  /** The server that leads now. */
  leader(): Promise<ZooKeeper>;
}

/** Starts an ensemble on 127.0.0.1; resolves once every server serves. */
export async function startEnsemble(
  size: number,
  options: (index: number) => ZooKeeperOptions = () => ({}),
): Promise<Ensemble> {
  const members = await Promise.all(
    Array.from({ length: size }, async (_, index) => {
      const { address = '127.0.0.1' } = options(index);
      return `${address}:${await freePort()}:${await freePort()}`;
    }),
  );
  const peers = Object.fromEntries(members.map((peer, index) => [`server.${index + 1}`, peer]));
  const servers = await Promise.all(
    members.map((_, index) => {
      const own = options(index);
      const config = { initLimit: 20, syncLimit: 6, ...peers, ...own.config };
      return startZooKeeper({ ...own, id: index + 1, wait: false, config });
    }),
  );
  const dispose = async () => {
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  };
  try {
    await Promise.all(servers.map((server) => server.ready()));
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    servers,
    hosts: servers.map(({ hosts }) => hosts).join(','),
    async leader() {
      for (const server of servers)
        if ((await server.fourLetter('srvr')).includes('Mode: leader')) return server;
      throw new Error('cannot find the leader: no server leads');
    },
    [Symbol.asyncDispose]: dispose,
  };
}
