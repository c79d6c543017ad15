import { setTimeout as sleep } from 'node:timers/promises';

import { execa } from 'execa';

import { createScratch } from '../test/support/scratch.ts';
import { startZooKeeper } from '../test/support/zookeeper.ts';
import { installed } from './installed.ts';
import { cpuOf, memoryOf } from './synapse/process.ts';
import { createPacketCount } from './synapse/requests.ts';
import { announceAll, type Shape } from './synapse/scene.ts';
import { startWhole } from './synapse/start.ts';

const shapes: readonly Shape[] = [
  { services: 1, members: 1_000 },
  { services: 500, members: 20 },
];
/** What a start leaves behind is over after this, and so long is measured, in seconds. */
const [settling, measured] = [60, 120];

interface Idle {
  /** Shares of a core, in percent. */
  readonly floor: number;
  readonly cpu: number;
  readonly packets: number;
  readonly memory: number;
}

/** What a synapse costs that has nothing to do and that nobody looks at, beside an empty Node.js process. */
export async function idle(): Promise<void> {
  for (const shape of shapes) {
    const { floor, cpu, packets, memory } = await measure(shape);
    process.stdout.write(
      `${shape.services} × ${shape.members}: ${cpu.toFixed(2)} % of a core from ${settling} to ${settling + measured} s after the start (an empty Node.js process: ${floor.toFixed(2)} %), ${packets.toFixed(2)} packets/s to ZooKeeper, ${memory.toFixed(0)} MB\n`,
    );
  }
}

async function measure(shape: Shape): Promise<Idle> {
  await using zookeeper = await startZooKeeper();
  await using scratch = await createScratch();
  await announceAll(zookeeper.hosts, shape);
  const command = await installed('synapse', scratch.path('installed'));
  const packetsOf = await createPacketCount(zookeeper);
  await using started = await startWhole(zookeeper.hosts, scratch.directory, shape, command);
  const empty = execa(process.execPath, ['-e', 'setInterval(() => {}, 2 ** 30)'], {
    reject: false,
  });
  try {
    await sleep(settling * 1_000);
    const pids = [empty.pid ?? 0, started.daemon.pid] as const;
    const [before, sent] = [await Promise.all(pids.map(cpuOf)), await packetsOf()];
    await sleep(measured * 1_000);
    const after = await Promise.all(pids.map(cpuOf));
    const share = (at: number) => ((after[at] ?? 0) - (before[at] ?? 0)) / (measured * 10);
    return {
      floor: share(0),
      cpu: share(1),
      packets: ((await packetsOf()) - sent) / measured,
      memory: (await memoryOf(started.daemon.pid)).now,
    };
  } finally {
    empty.kill('SIGKILL');
    await empty;
  }
}
