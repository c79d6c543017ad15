import { setTimeout as sleep } from 'node:timers/promises';

import { freePort } from '../test/support/ports.ts';
import { startTraffic } from '../test/support/traffic.ts';
import { until } from '../test/support/until.ts';
import { createScene, followed, type Scene } from './failures/scene.ts';

const rounds = 3;
const rate = 200;

/** What happened: how long until it was so, in milliseconds, and whether that is a time at all. */
type Failure = (scene: Scene, daemons: Daemons) => Promise<number>;

interface Daemons {
  nerve: Awaited<ReturnType<Scene['nerve']>>;
  synapse: Awaited<ReturnType<Scene['synapse']>>;
}

/**
 * What each part's failure costs an application: the time until it is dealt with, and the requests lost
 * of an open-loop client's 200 a second, each on a new connection, with the quickstart's two files.
 */
export async function failures(): Promise<void> {
  process.stdout.write(`${'failure'.padEnd(58)}${'median ms'.padStart(10)}   lost of sent\n`);
  await using scene = await createScene();
  const daemons = { nerve: await scene.nerve(), synapse: await scene.synapse() };
  await all(scene);
  for (const [name, failure] of Object.entries(table)) {
    const times: number[] = [];
    const ended = new AbortController();
    const traffic = startTraffic(scene.port, rate, ended.signal);
    for (let round = 0; round < rounds; round += 1) {
      times.push(await failure(scene, daemons));
      await all(scene);
      await sleep(500);
    }
    ended.abort();
    await traffic.done;
    const median = times.toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? Number.NaN;
    const reasons = [...traffic.reasons]
      .map(([reason, count]) => `${count} × ${reason}`)
      .join(', ');
    process.stdout.write(
      `${name.padEnd(58)}${median.toFixed(0).padStart(10)}   ${traffic.lost} of ${traffic.sent}  ${reasons}\n`,
    );
  }
}

const table: Readonly<Record<string, Failure>> = {
  'a copy is killed (-9): out of rotation': (scene) => withoutFirst(scene, 'SIGKILL'),
  'a copy fails its check: out of rotation': (scene) => withoutFirst(scene, 'SIGTERM'),
  'nerve is killed (-9), the next one has taken over': async (scene, daemons) => {
    daemons.nerve.kill('SIGKILL');
    await daemons.nerve.exited;
    return timed(async () => {
      daemons.nerve = await scene.nerve();
      await until(() => announcements(daemons.nerve) === 3);
    });
  },
  'nerve hands over to the next one (SIGUSR2)': async (scene, daemons) => {
    daemons.nerve.kill('SIGUSR2');
    await daemons.nerve.exited;
    return timed(async () => {
      daemons.nerve = await scene.nerve();
      await until(() => announcements(daemons.nerve) === 3);
    });
  },
  'synapse is killed (-9), the next one is in step': (scene, daemons) =>
    nextSynapse(scene, daemons, 'SIGKILL'),
  'synapse is restarted (SIGTERM), the next one is in step': (scene, daemons) =>
    nextSynapse(scene, daemons, 'SIGTERM'),
  'a new service: the reload is done': async (scene, daemons) => {
    daemons.synapse.kill('SIGTERM');
    await daemons.synapse.exited;
    const worker = await scene.worker();
    return timed(async () => {
      daemons.synapse = await scene.synapse({ other: followed(await freePort()) });
      await until(async () => (await scene.worker().catch(() => worker)) !== worker);
    });
  },
  'HAProxy is killed (-9): serves again': async (scene) => {
    process.kill(await scene.worker(), 'SIGKILL');
    return timed(() => all(scene));
  },
  'ZooKeeper is killed (-9) for 5 s: members are as before': async (scene) => {
    await scene.zookeeper.stop();
    await sleep(5_000);
    return timed(async () => {
      await scene.zookeeper.start();
      await all(scene);
    });
  },
  'ZooKeeper is away and a copy is killed (-9): out of rotation': async (scene) => {
    await scene.zookeeper.stop();
    const took = await withoutFirst(scene, 'SIGKILL');
    await scene.zookeeper.start();
    return took;
  },
};

async function withoutFirst(scene: Scene, signal: NodeJS.Signals): Promise<number> {
  scene.copies[0]?.signal(signal);
  const took = await timed(() => rotates(scene, 2));
  scene.copies[0]?.signal('SIGKILL');
  await sleep(100);
  await scene.copies[0]?.start();
  return took;
}

async function nextSynapse(scene: Scene, daemons: Daemons, signal: NodeJS.Signals) {
  daemons.synapse.kill(signal);
  await daemons.synapse.exited;
  return timed(async () => {
    daemons.synapse = await scene.synapse();
    await until(() => daemons.synapse.log.some(({ msg }) => msg.includes('taken over')));
  });
}

const announcements = ({ log }: Daemons['nerve']) =>
  log.filter(({ msg }) => msg === 'announced').length;

const all = (scene: Scene) => rotates(scene, 3);

const rotates = (scene: Scene, size: number) =>
  until(async () => (await scene.rotation()).length === size, 60_000);

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
