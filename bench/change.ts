import type { Client } from 'node-zookeeper-client';

import { startDaemon } from '../test/support/daemon.ts';
import { freePort } from '../test/support/ports.ts';
import { createScratch } from '../test/support/scratch.ts';
import {
  openStatsSocket,
  type StatsSocket,
  serversOf,
  workerOf,
} from '../test/support/stats-socket.ts';
import { until } from '../test/support/until.ts';
import { startZooKeeper } from '../test/support/zookeeper.ts';
import {
  children,
  connectPlain,
  create,
  persistent,
  read,
  remove,
  sequential,
} from './plain-zookeeper.ts';
import { heading, row, summarise } from './statistics.ts';

const rounds = 200;
const address = '127.0.0.1';

/**
 * One membership change, end to end, beside the floor that its parts set: round by round in turn, so
 * that a machine that slows down slows both. Fails only on a reload, which no change may cost.
 */
export async function change(): Promise<void> {
  await using zookeeper = await startZooKeeper();
  await using scratch = await createScratch();
  await using _synapse = await startSynapse(zookeeper.hosts, scratch.directory);
  const [writer, reader] = await Promise.all([
    connectPlain(zookeeper.hosts),
    connectPlain(zookeeper.hosts),
  ]);
  for (const path of ['/floor', '/ours']) await create(writer, path, '', persistent);
  await using socket = await until(() => openStatsSocket(scratch.path('run', 'haproxy.sock')));
  await joined(writer, socket); // the first change creates the service's members and warms everything up
  const worker = await workerOf(socket);

  const floors: number[] = [];
  const joins: number[] = [];
  const leaves: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    floors.push(await floor(writer, reader, socket));
    const { join, leave } = await joined(writer, socket);
    joins.push(join);
    leaves.push(leave);
  }
  const reloads = (await workerOf(socket)) === worker ? 0 : 1;
  writer.close();
  reader.close();
  report({ floors, joins, leaves, reloads });
}

async function startSynapse(hosts: string, directory: string) {
  return startDaemon(
    'synapse',
    {
      zookeeper: { hosts: [hosts] },
      status_address: false,
      haproxy: {
        stats_address: false,
        run_directory: `${directory}/run`,
        on_exit: 'stop',

        extra_sections: { 'backend floor': [] },
      },
      services: {
        ours: {
          use_previous_backends: false,
          discovery: { method: 'zookeeper', path: '/ours' },
          haproxy: { port: await freePort() },
        },
      },
    },
    directory,
  );
}

/** Creates a node; resolves once another session saw it, read it and added its server over the socket. */
export async function floor(writer: Client, reader: Client, socket: StatsSocket): Promise<number> {
  let fired = () => {};
  const seen = new Promise<void>((resolve) => {
    fired = resolve;
  });
  await children(reader, '/floor', fired);
  const started = performance.now();
  const created = create(writer, '/floor/m_', record(1), sequential);
  await seen;
  const [name = ''] = await children(reader, '/floor');
  await read(reader, `/floor/${name}`);
  await socket.ask('add server floor/s 127.0.0.1:1 id 1;set server floor/s state ready');
  const elapsed = performance.now() - started;
  await remove(writer, await created);
  await socket.ask('set server floor/s state maint');
  await socket.ask('del server floor/s');
  return elapsed;
}

/** Creates a node, waits until its server is in rotation; deletes it, waits until it is out and gone. */
async function joined(writer: Client, socket: StatsSocket) {
  const inRotation = async () =>
    (await serversOf(socket, 'ours')).some((server) => server.inRotation);
  const started = performance.now();
  const path = await create(writer, '/ours/m_', record(2), sequential);
  while (!(await inRotation()));
  const join = performance.now() - started;
  const left = performance.now();
  await remove(writer, path);
  while (await inRotation());
  const leave = performance.now() - left;
  while ((await serversOf(socket, 'ours')).length > 0);
  return { join, leave };
}

function report(measured: {
  readonly floors: readonly number[];
  readonly joins: readonly number[];
  readonly leaves: readonly number[];
  readonly reloads: number;
}): void {
  const [floors, joins, leaves] = [measured.floors, measured.joins, measured.leaves].map(summarise);
  if (!floors || !joins || !leaves) return;
  const ratio = (joins.p50 / floors.p50).toFixed(2);
  process.stdout.write(
    `${[
      heading,
      row('floor: create, watch, list, read, raw add', floors),
      row('join: znode created → server in rotation', joins),
      row('leave: znode deleted → out of rotation', leaves),
      '',
      `join / floor at p50: ${ratio} (aim: at most 3)`,
      `join p99: ${joins.p99.toFixed(1)} ms (aim: at most 60)`,
      `reloads in ${measured.joins.length * 2} membership changes: ${measured.reloads}`,
    ].join('\n')}\n`,
  );
  if (measured.reloads > 0) process.exitCode = 1;
}

const record = (port: number) => JSON.stringify({ host: address, port, name: 'bench' });
