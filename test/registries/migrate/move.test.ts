import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test } from 'vitest';
import { stringify } from 'yaml';

import { type Copy, startCopy } from '../../support/copies.ts';
import { startDaemon } from '../../support/daemon.ts';
import { freePort } from '../../support/ports.ts';
import { createScratch } from '../../support/scratch.ts';
import { openStatsSocket, oracleAt, serversOf, workerOf } from '../../support/stats-socket.ts';
import { startTraffic } from '../../support/traffic.ts';
import { until } from '../../support/until.ts';
import type { Side } from './side.ts';
import { consulSide, zookeeperSide } from './sides.ts';

/** How much goes to the new registry's members, step by step, there and back. */
const steps = [0, 1, 10, 50, 90, 100, 50, 10, 0];
const rate = 500;

test.each([['zookeeper', 'consul', zookeeperSide, consulSide]] as const)(
  'a move from %s to %s in five steps and back loses no request and reloads nothing',
  async (_from, _to, startOld, startNew) => {
    await using old = await startOld();
    await using fresh = await startNew();
    await using scratch = await createScratch();
    const copies = await Promise.all(['old-1', 'old-2', 'new-1', 'new-2', 'new-3'].map(startCopy));
    const ended = new AbortController();
    for (const copy of copies)
      await announce(copy.name.startsWith('old') ? old : fresh, copy, ended.signal);
    const port = await freePort();
    const config = (share: number) => ({
      ...old.top,
      ...fresh.top,
      status_address: false,
      haproxy: { stats_address: false, run_directory: scratch.path('run'), on_exit: 'stop' },
      services: {
        web: {
          discovery: {
            method: 'multi',
            watchers: { old: old.discovery, new: fresh.discovery },
            resolver: { method: 'migrate', from: 'old', to: 'new', share: `${share}%` },
          },
          haproxy: { port, listen: ['mode http'] },
        },
      },
    });
    await using synapse = await startDaemon('synapse', config(0), scratch.directory);
    const haproxy = oracleAt(scratch.path('run', 'haproxy.sock'));
    const inRotation = async () =>
      (await serversOf(haproxy, 'web')).filter((server) => server.inRotation).length;
    await until(async () => (await inRotation()) === 2);
    await using socket = await openStatsSocket(scratch.path('run', 'haproxy.sock'));
    const worker = await workerOf(socket);
    const traffic = startTraffic(port, rate, ended.signal);
    const seen: string[] = [];
    for (const share of steps) {
      await writeFile(scratch.path('synapse.yaml'), stringify(config(share)));
      synapse.kill('SIGHUP');
      const members = share === 0 ? 2 : share === 100 ? 3 : 5;
      await until(async () => (await inRotation()) === members);
      // The reload is asked for by a signal: the shares are those of the first second in which it has taken effect.
      const got = await until(async () => {
        const [answered, byNew] = [traffic.answered, newOf(traffic.byCopy)];
        await sleep(1_000);
        const part = ((newOf(traffic.byCopy) - byNew) / (traffic.answered - answered)) * 100;
        return Math.abs(part - share) < 1 && part;
      });
      seen.push(`${share} % asked, ${got.toFixed(1)} % got`);
    }
    console.log(seen.join('\n'));
    ended.abort();
    await traffic.done;
    expect([traffic.lost, [...traffic.reasons]]).toEqual([0, []]);
    expect(traffic.answered).toBeGreaterThan(steps.length * 500);
    expect(await workerOf(socket)).toBe(worker);
    for (const copy of copies) await copy[Symbol.asyncDispose]();
  },
);

const announce = ({ registry, path }: Side, { name, port }: Copy, signal: AbortSignal) =>
  registry.announce(path, { host: '127.0.0.1', port, name }, signal);

const newOf = (byCopy: ReadonlyMap<string, number>) =>
  [...byCopy].reduce((all, [name, count]) => all + (name.startsWith('new') ? count : 0), 0);
