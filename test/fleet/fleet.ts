import { connect, type Session } from '@smartstack/zookeeper';

import { createScratch } from '../support/scratch.ts';
import { type Ensemble, startEnsemble } from '../support/zookeeper.ts';
import { createChance } from './chance.ts';
import type { Scene } from './faults.ts';
import { watchSteps } from './in-step.ts';
import { createLan, type Host } from './lan.ts';
import { measureLoad } from './load.ts';
import { type Machine, startMachine } from './machine.ts';
import type { Options } from './options.ts';
import type { Outcome } from './report.ts';
import { troubleThem } from './run.ts';
import { membersOf, planTown, servicesFor, type Town } from './town.ts';

const zookeepers = ['zk-1', 'zk-2', 'zk-3'];

/** What is there before the first VM starts. */
interface Ground {
  readonly hosts: readonly Host[];
  readonly ensemble: Ensemble;
  readonly session: Session;
  readonly town: Town;
}

/**
 * Starts everything, injects faults, hands the outcome to `use` while all is still there, and leaves
 * nothing behind, whatever happens. Rejects when `root` aborts, which also a daemon's unasked end does.
 */
export async function withFleet<T>(
  options: Options,
  say: (text: string) => void,
  root: AbortController,
  use: (outcome: Outcome) => Promise<T>,
): Promise<T> {
  const { vms, rate } = options;
  const { signal } = root;
  const names = Array.from({ length: vms }, (_, index) => `vm-${index + 1}`);
  await using scratch = await createScratch();
  await using lan = await createLan([...zookeepers, ...names]);
  const { hosts } = lan;
  await using ensemble = await startEnsemble(zookeepers.length, (index) => hosts[index] ?? {});
  const addresses = ensemble.hosts.split(',');
  const { directory } = scratch;
  const town = planTown(addresses, { services: servicesFor(vms), rate, directory });
  const session = connect({ hosts: addresses });
  const aborted = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason)),
  );
  const play = async () => {
    const begun = performance.now();
    const scene = await setScene({ hosts, ensemble, session, town }, options, say, root);
    const took = ((performance.now() - begun) / 1_000).toFixed(0);
    say(`all are in step ${took} s after the first started`);
    return use(await trouble(scene, options));
  };
  try {
    return await Promise.race([play(), aborted]);
  } finally {
    root.abort(new Error('it is over'));
    await session.close();
  }
}

/** Starts all VMs; resolves once every proxy serves every service. */
async function setScene(
  { hosts, ensemble, session, town }: Ground,
  { seed }: Options,
  say: (text: string) => void,
  root: AbortController,
): Promise<Scene> {
  const { signal } = root;
  const machines = await startMachines(hosts.slice(zookeepers.length), town, root);
  const steps = watchSteps(machines, signal);
  await steps.settled(60_000);
  return {
    chance: createChance(seed),
    machines,
    zookeepers: ensemble.servers.map((server, index) => ({ server, host: hosts[index] as Host })),
    steps,
    ledger: [],
    flaws: [],
    nodesOf: (machine) => nodesOf(session, town, machine),
    say,
    signal,
  };
}

/** Injects faults under traffic, and then lets the last requests come home. */
async function trouble(scene: Scene, { seconds, only }: Options): Promise<Outcome> {
  const { machines, ledger, flaws, steps, zookeepers: servers } = scene;
  const workers = await Promise.all(machines.map((machine) => machine.worker()));
  const over = new AbortController();
  const load = measureLoad(
    servers.map(({ server }) => server),
    over.signal,
  );
  for (const machine of machines) machine.open();
  const injected = await troubleThem(scene, seconds * 1_000, only).finally(() => over.abort());
  await Promise.all(machines.map((machine) => machine.rest()));
  return { machines, ledger, flaws, times: steps.times, injected, load: await load, workers };
}

/** Two at a time: more would only wait for each other. */
async function startMachines(
  hosts: readonly Host[],
  town: Town,
  root: AbortController,
): Promise<readonly Machine[]> {
  const machines: Machine[] = [];
  const fail = (reason: Error) => root.abort(reason);
  for (let index = 0; index < hosts.length && !root.signal.aborted; index += 2) {
    const pair = hosts.slice(index, index + 2).map((host, offset) => {
      const members = membersOf(host, index + offset, town.services);
      return startMachine({ host, members, town, fail });
    });
    machines.push(...(await Promise.all(pair)));
  }
  return machines;
}

async function nodesOf(
  session: Session,
  { services }: Town,
  { host }: Machine,
): Promise<readonly string[]> {
  const lists = await Promise.all(
    services.map(async (service) => {
      const { names } = await session.list(`/services/${service}`, { deadline: 30_000 });
      const own = names.filter((name) => name.startsWith(`${host.name}_`));
      return own.map((name) => `${service}/${name}`);
    }),
  );
  return lists.flat().sort();
}
