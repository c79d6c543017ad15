import { connect, type Session } from '@smartstack/zookeeper';

import { createScratch } from '../support/scratch.ts';
import { startEnsemble } from '../support/zookeeper.ts';
import { createChance } from './chance.ts';
import type { Scene } from './faults.ts';
import { watchSteps } from './in-step.ts';
import { createLan, type Host } from './lan.ts';
import type { Fault } from './ledger.ts';
import { measureLoad } from './load.ts';
import { type Machine, startMachine } from './machine.ts';
import type { Options } from './options.ts';
import type { Outcome } from './report.ts';
import { troubleThem } from './run.ts';
import { membersOf, planTown, servicesFor, type Town } from './town.ts';

const zookeepers = ['zk-1', 'zk-2', 'zk-3'];

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
  const { vms, seconds, seed, rate } = options;
  const { signal } = root;
  const names = Array.from({ length: vms }, (_, index) => `vm-${index + 1}`);
  await using scratch = await createScratch();
  await using lan = await createLan([...zookeepers, ...names]);
  await using ensemble = await startEnsemble(zookeepers.length, (index) => lan.hosts[index] ?? {});
  const { directory } = scratch;
  const town = planTown(ensemble.hosts.split(','), { services: servicesFor(vms), rate, directory });
  const session = connect({ hosts: ensemble.hosts.split(',') });
  const aborted = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason)),
  );

  async function play(): Promise<T> {
    const begun = performance.now();
    const machines = await startMachines(lan.hosts.slice(zookeepers.length), town, root);
    const steps = watchSteps(machines, signal);
    await steps.settled(60_000);
    say(
      `all are in step ${((performance.now() - begun) / 1_000).toFixed(0)} s after the first started`,
    );
    const workers = await Promise.all(machines.map((machine) => machine.worker()));
    for (const machine of machines) machine.open();
    const ledger: Fault[] = [];
    const flaws: string[] = [];
    const scene: Scene = {
      chance: createChance(seed),
      machines,
      zookeepers: ensemble.servers.map((server, index) => ({
        server,
        host: lan.hosts[index] as Host,
      })),
      steps,
      ledger,
      flaws,
      nodesOf: (machine) => nodesOf(session, town, machine),
      say,
      signal,
    };
    const over = new AbortController();
    const load = measureLoad(ensemble.servers, over.signal);
    const injected = await troubleThem(scene, seconds * 1_000, options.only).finally(() =>
      over.abort(),
    );
    await Promise.all(machines.map((machine) => machine.rest()));
    return use({
      machines,
      ledger,
      flaws,
      times: steps.times,
      injected,
      load: await load,
      workers,
    });
  }

  try {
    return await Promise.race([play(), aborted]);
  } finally {
    root.abort(new Error('it is over'));
    await session.close();
  }
}

/** Two at a time: more would only wait for each other. */
async function startMachines(
  hosts: readonly Host[],
  town: Town,
  root: AbortController,
): Promise<readonly Machine[]> {
  const machines: Machine[] = [];
  for (let index = 0; index < hosts.length && !root.signal.aborted; index += 2) {
    const pair = hosts.slice(index, index + 2).map((host, offset) => {
      const members = membersOf(host, index + offset, town.services);
      return startMachine(host, members, town, (reason) => root.abort(reason));
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
      return names
        .filter((name) => name.startsWith(`${host.name}_`))
        .map((name) => `${service}/${name}`);
    }),
  );
  return lists.flat().sort();
}
