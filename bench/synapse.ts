import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'node-zookeeper-client';

import type { Daemon } from '../test/support/daemon.ts';
import { createScratch } from '../test/support/scratch.ts';
import { type StatsSocket, workerOf } from '../test/support/stats-socket.ts';
import { until } from '../test/support/until.ts';
import { startZooKeeper } from '../test/support/zookeeper.ts';
import { floor } from './change.ts';
import { installed } from './installed.ts';
import { connectPlain, create, persistent, remove, sequential } from './plain-zookeeper.ts';
import { heading, row, type Summary, summarise } from './statistics.ts';
import { cpuOf, memoryOf } from './synapse/process.ts';
import { createPacketCount } from './synapse/requests.ts';
import { announceAll, type Shape, serviceName } from './synapse/scene.ts';
import { type ColdStarts, coldStarts, startWhole } from './synapse/start.ts';

const shapes: readonly Shape[] = [
  { services: 1, members: 1_000 },
  { services: 500, members: 20 },
];
const rounds = 100;
/** Changes that come one by one, so that everything which follows one is over before the next. */
const lone = { changes: 12, pause: 1_500, idle: 6 } as const;

interface Measured {
  readonly cold: ColdStarts;
  readonly floors: readonly number[];
  readonly joins: readonly number[];
  readonly leaves: readonly number[];
  readonly packets: number;
  readonly cpu: number;
  readonly loneCpu: LoneCpu;
  readonly memory: { readonly now: number; readonly peak: number };
  readonly reloads: number;
}

/**
 * synapse beside the floor that its parts set, at the two sizes that the original was measured at. Fails
 * on a reload, which no change of members may cost.
 */
export async function synapse(): Promise<void> {
  for (const shape of shapes) report(shape, await measure(shape));
}

async function measure(shape: Shape): Promise<Measured> {
  await using zookeeper = await startZooKeeper();
  await using scratch = await createScratch();
  await announceAll(zookeeper.hosts, shape);
  const [writer, reader] = await Promise.all([
    connectPlain(zookeeper.hosts),
    connectPlain(zookeeper.hosts),
  ]);
  await create(writer, '/floor', '', persistent);
  const command = await installed('synapse', scratch.path('installed'));
  const cold = await coldStarts(zookeeper, shape, command);
  const packetsOf = await createPacketCount(zookeeper);
  await using started = await startWhole(zookeeper.hosts, scratch.directory, shape, command);
  const { daemon, socket } = started;
  await sleep(3_000);
  const parts = { writer, reader, socket, daemon, shape, ids: await learnIds(writer, socket) };
  const worker = await workerOf(socket);
  const [packets, cpu] = [await packetsOf(), await cpuOf(daemon.pid)];
  const times = await runRounds(parts);
  const changes = times.joins.length * 2;
  const used = {
    packets: ((await packetsOf()) - packets) / changes,
    cpu: ((await cpuOf(daemon.pid)) - cpu) / changes,
  };
  const idle = await idleCpu(parts);
  const loneCpu = { idle, early: await loneChanges(parts), late: await loneChanges(parts) };
  const memory = await memoryOf(daemon.pid);
  const reloads = (await workerOf(socket)) === worker ? 0 : 1;
  writer.close();
  reader.close();
  return { cold, ...times, ...used, loneCpu, memory, reloads };
}

interface Parts {
  readonly writer: Client;
  readonly reader: Client;
  readonly socket: StatsSocket;
  readonly daemon: Daemon;
  readonly shape: Shape;
  readonly ids: Ids;
}

/** HAProxy's numbers for what is asked for. */
interface Ids {
  readonly backends: ReadonlyMap<string, string>;
  /** Of the member that comes and goes: a hash of its name, and so the same in every backend where it is free. */
  readonly newcomer: string;
}

const newcomer = JSON.stringify({ host: '10.255.0.1', port: 7, name: 'bench' });

/** How long one change may take before the bench gives up, in milliseconds. */
const patience = 10_000;

/** Lets the newcomer come and go once, which warms everything up. */
async function learnIds(writer: Client, socket: StatsSocket): Promise<Ids> {
  const rows = async () =>
    (await socket.ask('show servers state')).split('\n').map((line) => line.split(' '));
  const path = await create(writer, `/${serviceName(0)}/bench_`, newcomer, sequential);
  const found = async () => (await rows()).find(([, , , name]) => name?.startsWith('bench_'));
  const id = (await until(found))[2] ?? '';
  const backends = new Map((await rows()).map(([number = '', name = '']) => [name, number]));
  await remove(writer, path);
  await until(async () => !(await found()));
  return { backends, newcomer: id };
}

/** The floor and one change of ours in turn, so that a machine that slows down slows both. */
async function runRounds(parts: Parts) {
  const { writer, reader, socket } = parts;
  const times = { floors: [] as number[], joins: [] as number[], leaves: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    times.floors.push(await floor(writer, reader, socket));
    const { join, leave } = await changed(parts, round);
    times.joins.push(join);
    times.leaves.push(leave);
  }
  return times;
}

/** A member more, until it is in rotation, and the same member less, until it is out and gone. */
async function changed(parts: Parts, round: number) {
  const { writer, shape } = parts;
  const service = (round * 37) % shape.services;
  const state = stateOf(parts, service);
  const inRotation = async () => /^(UP|no check)$/.test(await state());
  const started = performance.now();
  const path = await create(writer, `/${serviceName(service)}/bench_`, newcomer, sequential);
  await turns(inRotation, `${path} in rotation`);
  const join = performance.now() - started;
  const left = performance.now();
  await remove(writer, path);
  await turns(async () => !(await inRotation()), `${path} out of rotation`);
  const leave = performance.now() - left;
  await until(async () => (await state()) === '');
  return { join, leave };
}

/** Asks without a pause until it is so: a pause would be a part of what is measured. */
async function turns(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const started = performance.now();
  while (!(await isSo()))
    if (performance.now() - started > patience) throw new Error(`not in ${patience} ms: ${what}`);
}

/** Asks for the state of the newcomer's server, `''` while there is none; by its id, for a list of all is long. */
function stateOf({ socket, ids }: Parts, service: number): () => Promise<string> {
  return async () => {
    const answer = await socket.ask(
      `show stat ${ids.backends.get(serviceName(service))} 4 ${ids.newcomer}`,
    );
    const [header = '', line = ''] = answer.split('\n');
    const [, name = '', ...fields] = line.split(',');
    if (line !== '' && !name.startsWith('bench_'))
      throw new Error(
        `the newcomer's id ${ids.newcomer} is that of ${name} in ${serviceName(service)}`,
      );
    return fields[header.split(',').indexOf('status') - 2] ?? '';
  };
}

/** The processor time that as much time as a lone change has costs anyway, in milliseconds. */
async function idleCpu({ daemon }: Parts): Promise<number> {
  await sleep(lone.pause);
  const before = await cpuOf(daemon.pid);
  await sleep(lone.idle * lone.pause);
  return ((await cpuOf(daemon.pid)) - before) / lone.idle;
}

/** The processor time of one change with what it leads to later, in milliseconds. */
async function loneChanges({ writer, daemon, shape }: Parts): Promise<number> {
  const before = await cpuOf(daemon.pid);
  for (let change = 0; change < lone.changes; change += 2) {
    const service = serviceName((change * 37) % shape.services);
    const path = await create(writer, `/${service}/bench_`, newcomer, sequential);
    await sleep(lone.pause);
    await remove(writer, path);
    await sleep(lone.pause);
  }
  return ((await cpuOf(daemon.pid)) - before) / lone.changes;
}

interface LoneCpu {
  readonly idle: number;
  /** Right after the start, whose garbage the first changes make V8 collect, and after that. */
  readonly early: number;
  readonly late: number;
}

function report({ services, members }: Shape, measured: Measured): void {
  const [floors, joins, leaves] = [measured.floors, measured.joins, measured.leaves].map(summarise);
  if (!floors || !joins || !leaves) return;
  process.stdout.write(
    `${[
      `${services} service${services === 1 ? '' : 's'} of ${members} members`,
      heading,
      row('floor: all nodes read', summarise(measured.cold.floors)),
      row('start → every member in HAProxy', summarise(measured.cold.times)),
      row('floor: create, watch, list, read, raw add', floors),
      row('join: znode created → server in rotation', joins),
      row('leave: znode deleted → out of rotation', leaves),
      ...figures(measured, floors, joins),
      '',
    ].join('\n')}\n`,
  );
  if (measured.reloads > 0) process.exitCode = 1;
}

function figures(measured: Measured, floors: Summary, joins: Summary): readonly string[] {
  const start = summarise(measured.cold.times);
  const { cold, packets, cpu, loneCpu, memory, reloads } = measured;
  return [
    `start at p50: ${(start.p50 / 1000).toFixed(2)} s, ${(start.p50 / summarise(cold.floors).p50).toFixed(1)} × its floor, ${cold.packets} packets to ZooKeeper (the original at 500 × 20: 10.8 s, 13 to 18 × its floor, 12,001 packets; aim: a fifth)`,
    `join / floor at p50: ${(joins.p50 / floors.p50).toFixed(2)} (aim: at most 3)`,
    `packets to ZooKeeper per change: ${packets.toFixed(2)} (the original: 1,002 and 22; aim: at most 3)`,
    `processor time per change: ${cpu.toFixed(1)} ms in a row; one by one, ${lone.pause} ms apart, ${(loneCpu.late - loneCpu.idle).toFixed(1)} ms, and ${(loneCpu.early - loneCpu.idle).toFixed(1)} ms for the first ${lone.changes} after the start, beside ${loneCpu.idle.toFixed(1)} ms that as much time costs anyway (the original: 370 to 600 ms; aim: at most 25 ms)`,
    `resident memory: ${memory.now.toFixed(0)} MB, ${memory.peak.toFixed(0)} MB at its most (aim: at most 200 MB)`,
    `reloads: ${reloads}`,
  ];
}
