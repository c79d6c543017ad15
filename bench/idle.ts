import { setTimeout as sleep } from 'node:timers/promises';

import { startCopy } from '../test/support/copies.ts';
import { startDaemon } from '../test/support/daemon.ts';
import { createScratch } from '../test/support/scratch.ts';
import { startZooKeeper } from '../test/support/zookeeper.ts';
import { startIdleFloor } from './idle-floor.ts';
import { installed } from './installed.ts';
import { connectPlain, create, remove, sequential } from './plain-zookeeper.ts';
import { cpuOf, memoryOf } from './synapse/process.ts';
import { createPacketCount } from './synapse/requests.ts';
import { announceAll, type Shape, serviceName } from './synapse/scene.ts';
import { startWhole } from './synapse/start.ts';

const shapes: readonly Shape[] = [
  { services: 1, members: 1_000 },
  { services: 500, members: 20 },
];
/** What a start leaves behind is over after this, and so long is measured, in seconds. */
const [settling, measured] = [60, 120];
/** The first changes after a start, each with all that it leads to; times in milliseconds. */
const early = { after: 3_000, changes: 12, pause: 1_500 } as const;

interface Idle {
  /** Shares of a core, in percent. */
  readonly floor: number;
  readonly cpu: number;
  readonly packets: number;
  readonly memory: number;
  /** Processor time of each of the first changes, in milliseconds. */
  readonly changes: readonly number[];
}

/** What the daemons cost that have nothing to do and that nobody looks at, beside one that does the least. */
export async function idle(): Promise<void> {
  for (const services of [0, 3]) await measureNerve(services);
  for (const shape of shapes) {
    const { floor, cpu, packets, memory, changes } = await measure(shape);
    const quiet = cpu * early.pause * 0.01;
    process.stdout.write(
      `${shape.services} × ${shape.members}: ${cpu.toFixed(2)} % of a core from ${settling} to ${settling + measured} s after the start (a Node.js process that asks a socket once a second: ${floor.toFixed(2)} %), ${packets.toFixed(2)} packets/s to ZooKeeper, ${memory.toFixed(0)} MB\n` +
        `  the first ${changes.length} changes from ${early.after / 1000} s after the start, ${early.pause} ms apart: ${changes.map((each) => (each - quiet).toFixed(0)).join(', ')} ms of processor time beside ${quiet.toFixed(1)} ms that the time costs anyway (aim: at most 40)\n`,
    );
  }
}

/** nerve with so many healthy services, each with a tcp check at nerve's own interval of 0.5 s. */
async function measureNerve(services: number): Promise<void> {
  await using zookeeper = await startZooKeeper();
  await using scratch = await createScratch();
  await using copy = await startCopy('web');
  const names = Array.from({ length: services }, (_, n) => `s${n}`);
  const config = {
    instance_id: 'vm-1',
    status_address: false,
    zookeeper: { hosts: [zookeeper.hosts] },
    services: Object.fromEntries(
      names.map((name) => [
        name,
        { host: '127.0.0.1', port: copy.port, zk_path: `/${name}`, checks: [{ type: 'tcp' }] },
      ]),
    ),
  };
  await using daemon = await startDaemon('nerve', config, scratch.directory, {
    command: await installed('nerve', scratch.path('installed')),
  });
  const packetsOf = await createPacketCount(zookeeper);
  await sleep(settling * 500);
  const [before, sent] = [await cpuOf(daemon.pid), await packetsOf()];
  await sleep(measured * 500);
  const cpu = ((await cpuOf(daemon.pid)) - before) / (measured * 5);
  const packets = ((await packetsOf()) - sent) / (measured / 2);
  process.stdout.write(
    `nerve with ${services} services: ${cpu.toFixed(2)} % of a core from ${settling / 2} to ${(settling + measured) / 2} s after the start, ${packets.toFixed(2)} packets/s to ZooKeeper\n`,
  );
}

async function measure(shape: Shape): Promise<Idle> {
  await using zookeeper = await startZooKeeper();
  await using scratch = await createScratch();
  await announceAll(zookeeper.hosts, shape);
  const command = await installed('synapse', scratch.path('installed'));
  const packetsOf = await createPacketCount(zookeeper);
  await using started = await startWhole(zookeeper.hosts, scratch.directory, shape, command);
  await using least = startIdleFloor();
  const start = performance.now();
  const changes = await firstChanges(zookeeper.hosts, started.daemon.pid);
  await sleep(settling * 1_000 - (performance.now() - start));
  const pids = [least.pid, started.daemon.pid] as const;
  const [before, sent] = [await Promise.all(pids.map(cpuOf)), await packetsOf()];
  await sleep(measured * 1_000);
  const after = await Promise.all(pids.map(cpuOf));
  const share = (at: number) => ((after[at] ?? 0) - (before[at] ?? 0)) / (measured * 10);
  return {
    floor: share(0),
    cpu: share(1),
    packets: ((await packetsOf()) - sent) / measured,
    memory: (await memoryOf(started.daemon.pid)).now,
    changes,
  };
}

/** A member comes and goes, alone each time. */
async function firstChanges(hosts: string, pid: number): Promise<readonly number[]> {
  const writer = await connectPlain(hosts);
  const record = JSON.stringify({ host: '10.255.0.1', port: 7, name: 'bench' });
  const costs: number[] = [];
  async function cost<T>(change: Promise<T>): Promise<T> {
    const before = await cpuOf(pid);
    const result = await change;
    await sleep(early.pause);
    costs.push((await cpuOf(pid)) - before);
    return result;
  }
  await sleep(early.after);
  for (let change = 0; change < early.changes; change += 2) {
    const path = await cost(create(writer, `/${serviceName(0)}/bench_`, record, sequential));
    await cost(remove(writer, path));
  }
  writer.close();
  return costs;
}
