import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'node-zookeeper-client';
import { serveEnvoys } from '../test/support/envoy-served.ts';
import { createEnvoyRun } from '../test/support/managed-envoy.ts';
import { freePort } from '../test/support/ports.ts';
import { createScratch } from '../test/support/scratch.ts';
import { openStatsSocket, workerOf } from '../test/support/stats-socket.ts';
import { startZooKeeper, type ZooKeeper } from '../test/support/zookeeper.ts';
import { hasAll, sent, startBoth, startMember } from './envoy/scene.ts';
import { keepAwake } from './idle-floor.ts';
import { installed } from './installed.ts';
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
import { cpuOf, memoryOf } from './synapse/process.ts';
import { announceAll, type Shape, serviceName } from './synapse/scene.ts';
import { startWhole } from './synapse/start.ts';

const shape: Shape = { services: 500, members: 20 };
const rounds = 100;
const starts = 3;

/**
 * From a znode to the first answer, through Envoy and through HAProxy that one synapse keeps, beside the floor: a
 * plain ZooKeeper client, one push to an Envoy that has nothing else, and its first answer. Fails on a restart or a
 * reload, on more than one response for a change, and on more than 2 KB.
 */
export async function envoy(): Promise<void> {
  await using zookeeper = await startZooKeeper();
  await using scratch = await createScratch();
  await announceAll(zookeeper.hosts, shape);
  const command = await installed('synapse', scratch.path('installed'));
  const cold = await coldStarts(zookeeper, command);
  const ports = { envoy: await freePort(), haproxy: await freePort(), status: await freePort() };
  await using member = await startMember();
  await using floor = await startFloor(zookeeper, member.port);
  await create(floor.writer, '/ours', '', persistent);
  await using synapse = await startBoth(zookeeper.hosts, scratch.directory, {
    shape,
    ports,
    command,
  });
  await hasAll(scratch.directory, shape);
  await using socket = await openStatsSocket(scratch.path('run', 'haproxy.sock'));

  const floors: number[] = [];
  const throughEnvoy: number[] = [];
  const throughHaproxy: number[] = [];
  await join(floor.writer, member.port, ports); // warms everything up
  await sleep(3_000);
  const [worker, before, cpu] = [
    await workerOf(socket),
    await sent(ports.status),
    await cpuOf(synapse.pid),
  ];
  for (let round = 0; round < rounds; round += 1) {
    floors.push(await floor.round());
    const times = await join(floor.writer, member.port, ports);
    throughEnvoy.push(times.envoy);
    throughHaproxy.push(times.haproxy);
  }
  const [after, used] = [await sent(ports.status), (await cpuOf(synapse.pid)) - cpu];
  const changes = rounds * 2;
  const each = {
    responses: (after.responses - before.responses) / changes,
    bytes: (after.bytes - before.bytes) / changes,
    cpu: used / changes,
  };
  const alone = await costAlone(floor.writer, member.port, synapse.pid);
  const memory = await memoryOf(synapse.pid);
  const reloads = (await workerOf(socket)) === worker ? 0 : 1;
  const [low, own, other] = [summarise(floors), summarise(throughEnvoy), summarise(throughHaproxy)];
  process.stdout.write(
    `${[
      heading,
      row('floor: create, watch, read, push, answer', low),
      row('znode created → answer through Envoy', own),
      row('znode created → answer through HAProxy', other),
      row('start → every member in Envoy', summarise(cold.envoy)),
      row('start → every member in HAProxy', summarise(cold.haproxy)),
      '',
      `Envoy / floor at p50: ${(own.p50 / low.p50).toFixed(2)} (aim: at most 2.5); HAProxy / floor: ${(other.p50 / low.p50).toFixed(2)}`,
      `one change at ${shape.services} x ${shape.members}: ${each.responses.toFixed(2)} responses, ${each.bytes.toFixed(0)} bytes (aim: 1, at most 2048), ${alone.change.toFixed(1)} ms of synapse's processor time (aim: at most 10); ${each.cpu.toFixed(1)} ms where both proxies have the service, on cores that sleep in between`,
      `between changes: ${(alone.idle * 100).toFixed(1)} % of a core, for audits and for measuring both proxies`,
      `cold start, Envoy / HAProxy at p50: ${(summarise(cold.envoy).p50 / summarise(cold.haproxy).p50).toFixed(2)} (aim: at most 1.5)`,
      `memory with both: ${memory.now.toFixed(0)} MB, ${memory.peak.toFixed(0)} MB at its most (aim: at most 200)`,
      `reloads: ${reloads}`,
    ].join('\n')}\n`,
  );
  if (reloads > 0 || each.responses > 1.05 || each.bytes > 2048) process.exitCode = 1;
}

/**
 * The processor time of one change of a service that Envoy alone has, with all that it leads to, in milliseconds; and of
 * as much time without one, which is what audits and measuring take whether anything changes or not. The cores are kept
 * awake: what a machine needs to wake one counts as synapse's time otherwise.
 */
async function costAlone(writer: Client, member: number, pid: number) {
  await using _ = keepAwake();
  await sleep(settling);
  const idleBefore = await cpuOf(pid);
  await sleep(2 * rounds * pause);
  const idle = (await cpuOf(pid)) - idleBefore;
  const before = await cpuOf(pid);
  for (let round = 0; round < rounds; round += 1) {
    const path = await create(writer, `/${serviceName(0)}/m_`, record(member), sequential);
    await sleep(pause);
    await remove(writer, path);
    await sleep(pause);
  }
  const used = (await cpuOf(pid)) - before;
  return { change: (used - idle) / (2 * rounds), idle: idle / (2 * rounds * pause) };
}

/** From one change to the next, and how long what was before is over, in milliseconds. */
const [pause, settling] = [100, 10_000];

/** Starts each proxy's synapse several times, each with nothing on disk, in turn. */
async function coldStarts(zookeeper: ZooKeeper, command: string) {
  const times = { envoy: [] as number[], haproxy: [] as number[] };
  for (let start = 0; start < starts; start += 1) {
    await using scratch = await createScratch();
    await using other = await createScratch();
    {
      await using whole = await startWhole(zookeeper.hosts, other.directory, shape, command);
      times.haproxy.push(whole.time);
    }
    await sleep(1_000);
    const ports = { envoy: await freePort(), haproxy: await freePort(), status: await freePort() };
    const started = performance.now();
    await using _synapse = await startBoth(zookeeper.hosts, scratch.directory, {
      shape,
      ports,
      command,
    });
    await hasAll(scratch.directory, shape);
    times.envoy.push(performance.now() - started);
  }
  return times;
}

/** What a change needs at least: an Envoy that has one service, and an xDS server that serves nothing else. */
async function startFloor(zookeeper: ZooKeeper, member: number) {
  const run = await createEnvoyRun();
  const served = await serveEnvoys(run.options.xds);
  const managed = run.own();
  const [writer, reader] = await Promise.all([
    connectPlain(zookeeper.hosts),
    connectPlain(zookeeper.hosts),
  ]);
  await create(writer, '/floor', '', persistent);
  const port = await freePort();
  const serve = (members: readonly number[]) =>
    served.serve({
      web: { port, members: members.map((each) => ({ host: '127.0.0.1', port: each })) },
    });
  serve([member]);
  await managed.ensure(new AbortController().signal);
  await answers(port, true);

  async function round(): Promise<number> {
    serve([]);
    await answers(port, false);
    let fired = () => {};
    const seen = new Promise<void>((resolve) => {
      fired = resolve;
    });
    await children(reader, '/floor', fired);
    const started = performance.now();
    const created = create(writer, '/floor/m_', record(member), sequential);
    await seen;
    const [name = ''] = await children(reader, '/floor');
    await read(reader, `/floor/${name}`);
    serve([member]);
    await answers(port, true);
    const elapsed = performance.now() - started;
    await remove(writer, await created);
    return elapsed;
  }

  return {
    writer,
    round,
    [Symbol.asyncDispose]: async () => {
      writer.close();
      reader.close();
      await managed[Symbol.asyncDispose]();
      await served[Symbol.asyncDispose]();
      await run[Symbol.asyncDispose]();
    },
  };
}

/** A member that comes, until both proxies answer, and goes, until neither does; the time that each took. */
async function join(
  writer: Client,
  member: number,
  ports: { readonly envoy: number; readonly haproxy: number },
) {
  const started = performance.now();
  const path = await create(writer, '/ours/m_', record(member), sequential);
  const took = async (port: number) => {
    await answers(port, true);
    return performance.now() - started;
  };
  const [envoyTook, haproxyTook] = await Promise.all([took(ports.envoy), took(ports.haproxy)]);
  await remove(writer, path);
  await Promise.all([answers(ports.envoy, false), answers(ports.haproxy, false)]);
  return { envoy: envoyTook, haproxy: haproxyTook };
}

const agent = new Agent({ keepAlive: true });

/** Asks again and again until a port answers with 200, or no longer does. */
async function answers(port: number, expected: boolean): Promise<void> {
  while ((await isAnswered(port)) !== expected) await sleep(0);
}

function isAnswered(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode === 200));
    }).on('error', () => resolve(false));
  });
}

const record = (port: number) => JSON.stringify({ host: '127.0.0.1', port, name: 'bench' });
