import { setTimeout as sleep } from 'node:timers/promises';

import { workerOf } from '../test/support/stats-socket.ts';
import { type IdleFloor, keepAwake, startIdleFloor } from './idle-floor.ts';
import { consul } from './registries/consul.ts';
import type { Contestant, StartContestant } from './registries/contestant.ts';
import { etcd } from './registries/etcd.ts';
import { file } from './registries/file.ts';
import { kubernetes } from './registries/kubernetes.ts';
import { type Scene, startScene, untilAnswered } from './registries/scene.ts';
import { zookeeper } from './registries/zookeeper.ts';
import { heading, row, type Summary, summarise } from './statistics.ts';
import { cpuOf, wakesOf } from './synapse/process.ts';

const contestants: readonly StartContestant[] = [file, zookeeper, etcd, consul, kubernetes];
const rounds = 100;
/** What the changes leave behind is over after this, and so long is measured what synapse costs idle, in seconds. */
const [settling, quiet] = [60, 60];

interface Measured {
  readonly name: string;
  readonly floors: Summary;
  readonly joins: Summary;
  /** Of synapse, per change: processor time in milliseconds, wakes, requests and bytes of both directions. */
  readonly change: Cost;
  /** While the machine sleeps in between, and while its cores are kept awake. */
  readonly idle: { readonly asleep: IdleCosts; readonly awake: IdleCosts };
  readonly reloads: number;
}

/** Per second. */
interface IdleCosts {
  readonly synapse: Cost;
  /** Of the least that a daemon does, in the same time. */
  readonly floor: Cost;
}

interface Cost {
  readonly cpu: number;
  readonly wakes: number;
  readonly requests: number;
  readonly bytes: number;
}

/**
 * From an announcement to the first answer through HAProxy, in every registry beside what its own plainest client
 * needs, and what synapse asks of it for that and when nothing happens. Fails only on a reload.
 */
export async function registries(): Promise<void> {
  process.stdout.write(`${heading}\n`);
  const all: Measured[] = [];
  for (const start of contestants) {
    await using contestant = await start();
    if (!contestant) continue;
    const measured = await measure(contestant);
    all.push(measured);
    process.stdout.write(
      `${row(`${measured.name}: floor`, measured.floors)}\n${row(`${measured.name}: announce → first answer`, measured.joins)}\n`,
    );
  }
  process.stdout.write(`\n${all.map(textOf).join('\n')}\n`);
  if (all.some(({ reloads }) => reloads > 0)) process.exitCode = 1;
}

async function measure(contestant: Contestant): Promise<Measured> {
  await using scene = await startScene(contestant);
  await join(contestant, scene); // the first change creates the service's members and warms everything up
  const worker = await workerOf(scene.socket);
  const floors: number[] = [];
  const joins: number[] = [];
  const costs: Cost[] = [];
  for (let round = 0; round < rounds; round += 1) {
    // As changes come: no registry is measured at its limit.
    await sleep(200);
    floors.push(await floor(contestant, scene));
    const before = await spent(scene);
    joins.push(await join(contestant, scene));
    costs.push(since(before, await spent(scene)));
  }
  const reloads = (await workerOf(scene.socket)) === worker ? 0 : 1;
  await using least = startIdleFloor();
  await sleep(settling * 1_000);
  const asleep = await idleCosts(scene, least);
  await using _ = keepAwake();
  const awake = await idleCosts(scene, least);
  return {
    name: contestant.name,
    floors: summarise(floors),
    joins: summarise(joins),
    // A round is a member that comes and one that goes.
    change: mean(costs, 2),
    idle: { asleep, awake },
    reloads,
  };
}

async function idleCosts(scene: Scene, least: IdleFloor): Promise<IdleCosts> {
  const [before, floor] = [await spent(scene), await spent(least)];
  await sleep(quiet * 1_000);
  return {
    synapse: mean([since(before, await spent(scene))], quiet),
    floor: mean([since(floor, await spent(least))], quiet),
  };
}

/** Announced, answered, withdrawn, no answer any more; resolves to the milliseconds of the first two. */
async function join(contestant: Contestant, scene: Scene): Promise<number> {
  const ended = new AbortController();
  const started = performance.now();
  const instance = { host: '127.0.0.1', port: scene.member, name: 'bench' };
  const announced = contestant.announce(instance, ended.signal);
  await untilAnswered(scene, 'ours');
  const elapsed = performance.now() - started;
  await (await announced)[Symbol.asyncDispose]();
  await untilAnswered(scene, 'ours', false);
  return elapsed;
}

/** The same by hand: written, seen, read, added over HAProxy's socket, answered. */
async function floor(contestant: Contestant, { socket, member, ...scene }: Scene): Promise<number> {
  const record = JSON.stringify({ host: '127.0.0.1', port: member, name: 'bench' });
  const started = performance.now();
  const removeIt = await contestant.floor(record);
  await socket.ask(`add server floor/s 127.0.0.1:${member} id 1;set server floor/s state ready`);
  while (!(await scene.answers('floor')));
  const elapsed = performance.now() - started;
  await removeIt();
  await socket.ask('set server floor/s state maint;shutdown sessions server floor/s');
  await socket.ask('del server floor/s');
  return elapsed;
}

async function spent({ pid, relay }: Pick<Scene, 'pid'> & Partial<Scene>): Promise<Cost> {
  const bytes = (relay?.sent ?? 0) + (relay?.received ?? 0);
  return {
    cpu: await cpuOf(pid),
    wakes: await wakesOf(pid),
    requests: relay?.requests ?? 0,
    bytes,
  };
}

const since = (before: Cost, after: Cost): Cost => ({
  cpu: after.cpu - before.cpu,
  wakes: after.wakes - before.wakes,
  requests: after.requests - before.requests,
  bytes: after.bytes - before.bytes,
});

function mean(costs: readonly Cost[], per: number): Cost {
  const of = (key: keyof Cost) =>
    costs.reduce((sum, cost) => sum + cost[key], 0) / costs.length / per;
  return { cpu: of('cpu'), wakes: of('wakes'), requests: of('requests'), bytes: of('bytes') };
}

function textOf({
  name,
  floors,
  joins,
  change,
  idle: { asleep, awake },
  reloads,
}: Measured): string {
  const ratio = (joins.p50 / floors.p50).toFixed(2);
  return [
    `${name}: ${ratio} × its floor at p50 (aim: at most 2.5), ${reloads} reloads`,
    `  a change: ${change.cpu.toFixed(1)} ms of processor time, ${change.requests.toFixed(1)} requests, ${change.bytes.toFixed(0)} bytes`,
    `  idle: ${shareOf(awake.synapse)} (aim: at most 0.5 %), ${awake.synapse.requests.toFixed(2)} requests/s, ${awake.synapse.bytes.toFixed(0)} bytes/s; a Node.js process that asks a socket once a second: ${shareOf(awake.floor)}`,
    `  the same on cores that sleep in between: ${shareOf(asleep.synapse)}, and ${shareOf(asleep.floor)}`,
  ].join('\n');
}

const shareOf = ({ cpu, wakes }: Cost) =>
  `${(cpu / 10).toFixed(2)} % of a core at ${wakes.toFixed(1)} wakes/s`;
