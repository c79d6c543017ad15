import { setTimeout as sleep } from 'node:timers/promises';

import type { ZooKeeper } from '../support/zookeeper.ts';
import type { Chance } from './chance.ts';
import type { InStep } from './in-step.ts';
import type { Host } from './lan.ts';
import type { Fault, FaultKind } from './ledger.ts';
import type { Machine } from './machine.ts';
import { type Member, portOf, sessionTimeout } from './town.ts';

/** What faults are injected into, and who is told of them. */
export interface Scene {
  readonly chance: Chance;
  readonly machines: readonly Machine[];
  readonly zookeepers: readonly { readonly server: ZooKeeper; readonly host: Host }[];
  readonly steps: InStep;
  readonly ledger: Fault[];
  /** What went wrong, in words. */
  readonly flaws: string[];
  /** The names of the nodes that a VM has in ZooKeeper. */
  nodesOf(machine: Machine): Promise<readonly string[]>;
  say(text: string): void;
  readonly signal: AbortSignal;
}

/** Breaks something, and mends it again before it resolves. */
type Trouble = (scene: Scene, machine: Machine) => Promise<void>;

/** Those that take members away: one at a time, so that every service has copies left. */
export const hard: Readonly<Record<string, Trouble>> = {
  'service restarted': (scene, machine) => restartService(scene, machine, 'SIGTERM'),
  'service killed': (scene, machine) => restartService(scene, machine, 'SIGKILL'),
  'nerve stopped': stopNerve,
  'nerve dead': killNerveForLong,
  'link cut shortly': (scene, machine) => cutLink(scene, machine, sessionTimeout * 0.4),
  'link cut': (scene, machine) => cutLink(scene, machine, sessionTimeout * 2),
};

/** Those that nobody should notice, which go on beside the others. */
export const soft: Readonly<Record<string, Trouble>> = {
  'nerve handed off': (scene, machine) => replaceNerve(scene, machine, 'SIGUSR2'),
  'nerve killed': (scene, machine) => replaceNerve(scene, machine, 'SIGKILL'),
  'synapse restarted': (scene, machine) => restartSynapse(scene, machine, 'SIGTERM'),
  'synapse killed': (scene, machine) => restartSynapse(scene, machine, 'SIGKILL'),
  'zookeeper killed': (scene) => breakZooKeeper(scene, killed),
  'zookeeper frozen': (scene) => breakZooKeeper(scene, frozen),
  'zookeeper cut off': (scene) => breakZooKeeper(scene, cutOff),
};

const pause = ({ chance, signal }: Scene, least: number, most: number) =>
  sleep(chance.between(least, most), undefined, { signal });

async function restartService(scene: Scene, machine: Machine, how: NodeJS.Signals): Promise<void> {
  const member = scene.chance.pick(machine.members);
  const end = how === 'SIGKILL' ? begin(scene, 'service killed', targetOf(member)) : () => {};
  scene.steps.change(how === 'SIGKILL' ? 'service killed' : 'service leaves', [member], false);
  await machine.endCopy(member, how);
  end();
  await pause(scene, 200, 4_000);
  await machine.startCopy(member);
  scene.steps.change('service joins', [member], true);
}

async function stopNerve(scene: Scene, machine: Machine): Promise<void> {
  scene.steps.change('nerve stops', machine.members, false);
  await machine.end('nerve', 'SIGTERM');
  await pause(scene, 200, 4_000);
  await startNerve(scene, machine);
}

async function killNerveForLong(scene: Scene, machine: Machine): Promise<void> {
  scene.steps.change('session expires', machine.members, false);
  await machine.end('nerve', 'SIGKILL');
  await sleep(sessionTimeout * 2, undefined, { signal: scene.signal });
  await startNerve(scene, machine);
}

async function startNerve({ steps }: Scene, machine: Machine): Promise<void> {
  steps.change('nerve starts', machine.members, true);
  await machine.start('nerve');
}

/** Its nodes must be the same ones before and after, when the next was there in time. */
async function replaceNerve(scene: Scene, machine: Machine, how: NodeJS.Signals): Promise<void> {
  const before = await scene.nodesOf(machine);
  const since = performance.now();
  await machine.end('nerve', how);
  await pause(scene, 0, sessionTimeout * 0.2);
  await machine.start('nerve');
  const away = performance.now() - since;
  const after = await scene.nodesOf(machine);
  if (`${before}` === `${after}`) return;
  const what = `the nerve of ${machine.host.name} came back ${away.toFixed(0)} ms after ${how}`;
  // The last heartbeat may be a third of the timeout older.
  if (away > sessionTimeout * 0.6) scene.say(`  ${what}, too late to take over`);
  else scene.flaws.push(`${what} and did not take over ${before} but has ${after}`);
}

async function restartSynapse(scene: Scene, machine: Machine, how: NodeJS.Signals): Promise<void> {
  scene.steps.excuse(machine);
  await machine.end('synapse', how);
  await pause(scene, 0, 4_000);
  const since = performance.now();
  await machine.start('synapse');
  scene.steps.back('synapse starts', machine, since);
}

async function cutLink(scene: Scene, machine: Machine, length: number): Promise<void> {
  const { host, members } = machine;
  const expires = length > sessionTimeout;
  const end = begin(scene, 'link cut', host.address);
  scene.steps.excuse(machine);
  if (expires) scene.steps.change('session expires', members, false);
  await host.cut();
  try {
    await sleep(length, undefined, { signal: scene.signal });
  } finally {
    await host.heal();
  }
  end();
  if (expires) scene.steps.change('link mended: its services', members, true);
  scene.steps.back('link mended: its own proxy', machine);
}

type ZooKeeperFault = (
  target: Scene['zookeepers'][number],
) => readonly [from: () => Promise<void>, to: () => Promise<void>];

const killed: ZooKeeperFault = ({ server }) => [() => server.kill('SIGKILL'), () => server.start()];
const frozen: ZooKeeperFault = ({ server }) => [
  () => server.kill('SIGSTOP'),
  () => server.kill('SIGCONT'),
];
const cutOff: ZooKeeperFault = ({ host }) => [host.cut, host.heal];

/** One server, or now and then two and with them the quorum. */
async function breakZooKeeper(scene: Scene, fault: ZooKeeperFault): Promise<void> {
  const { zookeepers, chance } = scene;
  const spared = chance.pick(zookeepers);
  const others = zookeepers.filter((one) => one !== spared);
  const victims = chance.happens(0.25) ? others : others.slice(0, 1);
  const faults = victims.map(fault);
  scene.say(`  of ZooKeeper's servers: ${victims.map(({ host }) => host.name).join(' and ')}`);
  await Promise.all(faults.map(([breaks]) => breaks()));
  try {
    await pause(scene, 500, 6_000);
  } finally {
    await Promise.all(faults.map(([, mends]) => mends()));
  }
  await Promise.all(zookeepers.map(({ server }) => server.ready()));
}

/** Notes a fault that may cost requests; the answer notes its end. */
function begin({ ledger }: Scene, kind: FaultKind, target: string): () => void {
  const fault: Fault = { kind, target, from: Date.now(), until: undefined };
  ledger.push(fault);
  return () => {
    fault.until = Date.now();
  };
}

const targetOf = ({ service, address }: Member) => `${address}:${portOf(service)}`;
