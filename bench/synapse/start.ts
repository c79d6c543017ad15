import { setTimeout as sleep } from 'node:timers/promises';

import type { Daemon } from '../../test/support/daemon.ts';
import { createScratch } from '../../test/support/scratch.ts';
import { openStatsSocket, type StatsSocket, serversOf } from '../../test/support/stats-socket.ts';
import { until } from '../../test/support/until.ts';
import type { ZooKeeper } from '../../test/support/zookeeper.ts';
import { children, connectPlain, read } from '../plain-zookeeper.ts';
import { createPacketCount } from './requests.ts';
import { type Shape, serviceName, startSynapse } from './scene.ts';

/** A synapse whose HAProxy has every member. */
export interface Started extends AsyncDisposable {
  readonly daemon: Daemon;
  readonly socket: StatsSocket;
  /** From its start until then, in milliseconds. */
  readonly time: number;
}

/** Starts synapse in a folder, and waits until HAProxy has every member of the shape. */
export async function startWhole(
  hosts: string,
  directory: string,
  shape: Shape,
  command: string,
): Promise<Started> {
  const daemon = await startSynapse(hosts, directory, shape, { command });
  const started = performance.now();
  try {
    const socket = await until(() => openStatsSocket(`${directory}/run/haproxy.sock`), 60_000);
    await applied(socket, shape);
    return {
      daemon,
      socket,
      time: performance.now() - started,
      [Symbol.asyncDispose]: async () => {
        await socket[Symbol.asyncDispose]();
        await daemon[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await daemon[Symbol.asyncDispose]();
    throw error;
  }
}

async function applied(socket: StatsSocket, { services, members }: Shape): Promise<void> {
  await until(async () => {
    const servers = await serversOf(socket);
    const own = servers.filter(({ backend }) => backend !== 'floor');
    return own.filter(({ inRotation }) => inRotation).length === services * members;
  }, 60_000);
}

const starts = 5;
const settling = 2_000;

export interface ColdStarts {
  readonly times: readonly number[];
  /** What the plain library needs to connect and to read as much, in milliseconds. */
  readonly floors: readonly number[];
  /** To ZooKeeper, of one start. */
  readonly packets: number;
}

/** Starts synapse several times, each with nothing on disk, in turn with the floor. */
export async function coldStarts(
  zookeeper: ZooKeeper,
  shape: Shape,
  command: string,
): Promise<ColdStarts> {
  const times: number[] = [];
  const floors: number[] = [];
  let packets = 0;
  for (let start = 0; start < starts; start += 1) {
    floors.push(await readAll(zookeeper.hosts, shape));
    // A server that was just asked for much compiles and collects for a while.
    await sleep(settling);
    await using scratch = await createScratch();
    const packetsOf = await createPacketCount(zookeeper);
    await using started = await startWhole(zookeeper.hosts, scratch.directory, shape, command);
    times.push(started.time);
    packets = await packetsOf();
  }
  return { times, floors, packets };
}

async function readAll(hosts: string, { services }: Shape): Promise<number> {
  const started = performance.now();
  const client = await connectPlain(hosts);
  const paths = Array.from({ length: services }, (_, n) => `/${serviceName(n)}`);
  await Promise.all(
    paths.map(async (path) => {
      const names = await children(client, path, () => {});
      await Promise.all(names.map((name) => read(client, `${path}/${name}`)));
    }),
  );
  client.close();
  return performance.now() - started;
}
