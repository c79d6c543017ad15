import { setTimeout as sleep } from 'node:timers/promises';

import { builtIn, mergePolicy, policySchema } from '@smartstack/policy';
import type { Instance } from '@smartstack/registry';

import type { Service } from '../../packages/proxy/src/service.ts';
import { chiSquare } from '../../test/policy/chi-square.fixture.ts';
import { createRun, drive, service, snapshotOf } from '../../test/support/haproxy.ts';
import { freePort } from '../../test/support/ports.ts';
import { openStatsSocket, type StatsSocket, workerOf } from '../../test/support/stats-socket.ts';
import { startClient } from '../haproxy/workers.ts';
import { startMembers } from './members.ts';

const changes = 200;
const perSecond = 10;
const requests = 100_000;
const versions = ['v1', 'v2', 'v3'] as const;

/** Weights of a split that change under load; complains where a request fails, HAProxy reloads, or shares are off. */
export async function split(): Promise<void> {
  await using members = await startMembers(versions.length);
  await using run = await createRun();
  await using driven = drive(run.config);
  const port = await freePort();
  const apply = (weights: readonly number[]) =>
    driven.apply(snapshotOf(serviceWith(weights, { port, members: members.list })));
  await apply([1, 1, 1]);
  await using socket = await openStatsSocket(run.socket);
  const worker = await workerOf(socket);
  const client = startClient({
    port,
    connections: 16,
    perConnection: 100,
    rate: (requests * perSecond) / changes,
    atLeast: requests,
  });
  const asked = [0, 0, 0];
  let weights: readonly number[] = [1, 1, 1];
  const start = await countsOf(socket);
  let before = start;
  const began = performance.now();
  const latencies: number[] = [];
  for (let change = 1; change <= changes; change++) {
    await sleep(Math.max(0, began + (change * 1000) / perSecond - performance.now()));
    const next = weightsAt(change);
    const told = performance.now();
    await apply(next);
    latencies.push(performance.now() - told);
    before = await account(socket, { asked, weights, before });
    weights = next;
  }
  const seconds = (performance.now() - began) / 1000;
  const report = await client.end();
  await account(socket, { asked, weights, before });
  const end = await countsOf(socket);
  const got = end.map((count, at) => count - (start[at] ?? 0));
  const reloads = (await workerOf(socket)) === worker ? 0 : 1;
  show({ report, reloads, got, asked, seconds, latencies });
}

function serviceWith(
  weights: readonly number[],
  { port, members }: { readonly port: number; readonly members: readonly Instance[] },
): Service {
  const policy = policySchema.parse({
    routes: [
      {
        name: 'all',
        to: versions.map((version, at) => ({ subset: { version }, weight: weights[at] })),
      },
    ],
  });
  return {
    ...service('web', { port }, members),
    protocol: 'http',
    policy: mergePolicy([
      { origin: 'built-in', policy: builtIn('http') },
      { origin: 'service', policy },
    ]),
  };
}

/** Parts that leap: each target has the whole, most, little or nothing of the traffic in turn. */
const weightsAt = (change: number) =>
  versions.map(
    (_, at) =>
      ((change * (at + 3) * 7919) % 101) * ((change + at) % 4 === 0 ? 0 : 1) +
      (at === change % 3 ? 1 : 0),
  );

/** What the requests since the last change should have been by target. */
async function account(
  socket: StatsSocket,
  {
    asked,
    weights,
    before,
  }: { asked: number[]; weights: readonly number[]; before: readonly number[] },
): Promise<readonly number[]> {
  const now = await countsOf(socket);
  const total = now.reduce((sum, count, at) => sum + count - (before[at] ?? 0), 0);
  const sum = weights.reduce((all, each) => all + each, 0);
  for (const [at, weight] of weights.entries())
    asked[at] = (asked[at] ?? 0) + (total * weight) / sum;
  return now;
}

/** How many requests the backend of each version has had. */
async function countsOf(socket: StatsSocket): Promise<readonly number[]> {
  const rows = (await socket.ask('show stat -1 2 -1')).split('\n').map((row) => row.split(','));
  const column = rows[0]?.indexOf('stot') ?? 0;
  return versions.map((version) =>
    Number(rows.find(([name]) => name === `web.version-${version}`)?.[column]),
  );
}

function show(of: {
  readonly report: { readonly sent: number; readonly failed: number };
  readonly reloads: number;
  readonly got: readonly number[];
  readonly asked: readonly number[];
  readonly seconds: number;
  readonly latencies: readonly number[];
}): void {
  const { report, reloads, got, asked, seconds, latencies } = of;
  const all = got.reduce((sum, each) => sum + each, 0);
  const points = got.map((count, at) => (100 * (count - (asked[at] ?? 0))) / all);
  const { value, bound } = chiSquare(got, asked);
  const share = (counts: readonly number[]) =>
    counts.map((count) => `${((100 * count) / all).toFixed(2)} %`).join('  ');
  const worst = Math.max(...points.map(Math.abs));
  const median = latencies.toSorted((a, b) => a - b)[latencies.length >> 1] ?? 0;
  process.stdout.write(
    `${[
      `${report.sent} requests over ${changes} changes of weights in ${seconds.toFixed(1)} s: ${report.failed} failed, ${reloads} reloads`,
      `shares asked ${share(asked)}`,
      `shares got   ${share(got)}: at most ${worst.toFixed(2)} points apart (aim: 1)`,
      `χ² ${value.toFixed(2)}, which one fair run of 10,000 exceeds at ${bound.toFixed(2)}`,
      `a change takes ${median.toFixed(1)} ms at p50`,
    ].join('\n')}\n`,
  );
  if (report.failed > 0 || reloads > 0 || worst > 1 || value > bound) process.exitCode = 1;
}
