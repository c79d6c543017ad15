import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { Agent, get, type IncomingMessage } from 'node:http';

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

test.each([
  ['zookeeper', 'consul', 'http', zookeeperSide, consulSide],
  ['zookeeper', 'consul', 'tcp', zookeeperSide, consulSide],
] as const)(
  'a move from %s to %s in five steps and back, in mode %s, loses no request and reloads nothing',
  async (_from, _to, mode, startOld, startNew) => {
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
          haproxy: { port, listen: [`mode ${mode}`] },
        },
      },
    });
    await using synapse = await startDaemon('synapse', config(0), scratch.directory);
    const haproxy = oracleAt(scratch.path('run', 'haproxy.sock'));
    const inRotation = async () =>
      (await serversOf(haproxy, 'web')).filter((server) => server.inRotation);
    const weightedShare = async () => {
      const servers = await inRotation();
      const isNew = new Set(
        copies.filter(({ name }) => name.startsWith('new')).map(({ port }) => port),
      );
      const sum = (some: typeof servers) => some.reduce((all, { weight }) => all + weight, 0);
      return (sum(servers.filter(({ port }) => isNew.has(port))) / sum(servers)) * 100;
    };
    await until(async () => (await inRotation()).length === 2);
    await using socket = await openStatsSocket(scratch.path('run', 'haproxy.sock'));
    const worker = await workerOf(socket);
    using line = openLine(port);
    const traffic = startTraffic(port, rate, ended.signal);
    // What was sent before a change is answered as it was meant then.
    const answeredUpTo = (count: number) =>
      until(async () => traffic.answered + traffic.lost >= count);
    const seen: string[] = [];
    for (const share of steps) {
      await writeFile(scratch.path('synapse.yaml'), stringify(config(share)));
      synapse.kill('SIGHUP');
      await until(async () => Math.abs((await weightedShare()) - share) < 1);
      await line.ask();
      await answeredUpTo(traffic.sent + 100);
      const [answered, byNew] = [traffic.answered, newOf(traffic.byCopy)];
      await answeredUpTo(answered + 600);
      const got = ((newOf(traffic.byCopy) - byNew) / (traffic.answered - answered)) * 100;
      seen.push(`${share} % asked, ${got.toFixed(1)} % got`);
      expect(Math.abs(got - share), seen.at(-1)).toBeLessThan(2);
    }
    console.log(seen.join('\n'));
    ended.abort();
    await traffic.done;
    expect([traffic.lost, [...traffic.reasons]]).toEqual([0, []]);
    expect(traffic.answered).toBeGreaterThan(steps.length * 500);
    expect(await workerOf(socket)).toBe(worker);
    // One that came before all of the steps is still there.
    expect(line.connections).toBe(1);
    for (const copy of copies) await copy[Symbol.asyncDispose]();
  },
);

const announce = ({ registry, path }: Side, { name, port }: Copy, signal: AbortSignal) =>
  registry.announce(path, { host: '127.0.0.1', port, name }, signal);

const newOf = (byCopy: ReadonlyMap<string, number>) =>
  [...byCopy].reduce((all, [name, count]) => all + (name.startsWith('new') ? count : 0), 0);

/** Requests over one connection that is kept for as long as it lasts. */
function openLine(port: number) {
  let connections = 0;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    get connections() {
      return connections;
    },
    ask: async () => {
      const request = get({ host: '127.0.0.1', port, agent });
      request.on('socket', (socket) => {
        if (socket.connecting) connections += 1;
      });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      expect(response.statusCode).toBe(200);
      response.resume();
      await once(response, 'end');
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}
