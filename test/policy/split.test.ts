import { readFile } from 'node:fs/promises';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { runDaemonOn } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { workerOf } from '../support/stats-socket.ts';
import { until } from '../support/until.ts';
import { chiSquare } from './chi-square.fixture.ts';
import {
  ask,
  type Member,
  serviceOf,
  startMember,
  startWorld,
  tally,
  type World,
} from './world.fixture.ts';

/** What is asked of the three versions, the share of faults, and the rate limit. */
interface Asked {
  readonly weights: readonly [number, number, number];
  readonly fault?: string;
  readonly requests?: number;
}

let world: World;
let members: readonly Member[];
let port = 0;

const versions = ['v1', 'v2', 'v3'] as const;
const servicesOf = ({ weights, fault = '0%', requests = 1000 }: Asked, of = members) => ({
  web: serviceOf(port, of, {
    routes: [
      { match: { path: '/faulty' }, fault: { abort: { status: 418, share: fault } } },
      { match: { path: '/limited' }, rate_limit: { requests, per: '10s' } },
      {
        name: 'split',
        to: versions.map((version, index) => ({ subset: { version }, weight: weights[index] })),
      },
    ],
  }),
});

beforeAll(async () => {
  members = await Promise.all(versions.map((version) => startMember(version, { version })));
  port = await freePort();
  world = await startWorld(servicesOf({ weights: [1, 1, 1] }), {
    haproxy: { audit_interval: '1s' },
  });
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  for (const member of members) await member[Symbol.asyncDispose]();
});

/** A value of HAProxy's map. */
async function valueIn(what: string): Promise<string | undefined> {
  const path = world.scratch.path('run', 'haproxy.cfg.policy.map');
  const text = await world.haproxy.ask(`show map ${path}`);
  return new RegExp(`web/${what} (\\S+)`).exec(text)?.[1];
}

const have = (what: string, value: string) =>
  until(async () => (await valueIn(what).catch(() => undefined)) === value);

async function sharesOf(weights: readonly number[], count = 600): Promise<void> {
  const tallied = await tally(count, () => ask(port));
  const counts = versions.map((version) => tallied[version] ?? 0);
  const { value, bound } = chiSquare(counts, weights);
  process.stdout.write(
    `weights ${weights.join(':')}: ${counts.join(':')} of ${count}, χ² ${value.toFixed(2)} (at most ${bound.toFixed(2)})\n`,
  );
  expect(value).toBeLessThan(bound);
}

test('weights change by SIGHUP without a reload, and shares follow', async () => {
  const worker = await workerOf(world.haproxy);
  const steps = [
    [[90, 10, 0], '110:900000:1000000'],
    [[0, 0, 7], '001:0:0'],
    [[1, 2, 1], '111:250000:750000'],
    [[333_333, 333_333, 333_334], '111:333333:666666'],
  ] as const;
  for (const [weights, value] of steps) {
    await world.change(servicesOf({ weights }));
    await have('split/split', value);
    await sharesOf(weights);
  }
  for (let weight = 0; weight < 20; weight++)
    await world.change(servicesOf({ weights: [weight, 20 - weight, 0] }));
  await have('split/split', '110:950000:1000000');
  await sharesOf([19, 1, 0]);
  expect(await workerOf(world.haproxy)).toBe(worker);
});

test('shares of faults and rate limits change without a reload', async () => {
  const worker = await workerOf(world.haproxy);
  const faults = () => tally(200, () => ask(port, '/faulty'), 'status');
  expect((await faults())[418]).toBeUndefined();
  await world.change(servicesOf({ weights: [1, 1, 1], fault: '100%', requests: 3 }));
  await have('0/abort', '1000000');
  await have('1/limit', '3:30');
  expect(await faults()).toEqual({ 418: 200 });
  expect(await tally(6, () => ask(port, '/limited'), 'status')).toEqual({ 200: 3, 429: 3 });
  await world.change(servicesOf({ weights: [1, 1, 1], fault: '25%', requests: 100 }));
  await have('0/abort', '250000');
  const { 418: faulty = 0 } = await faults();
  const { value, bound } = chiSquare([faulty, 200 - faulty], [1, 3]);
  process.stdout.write(`fault 25%: ${faulty} of 200, χ² ${value.toFixed(2)}\n`);
  expect(value).toBeLessThan(bound);
  expect(await tally(6, () => ask(port, '/limited'), 'status')).toEqual({ 200: 6 });
  expect(await workerOf(world.haproxy)).toBe(worker);
});

test('members of a subset come and go without a reload', async () => {
  const worker = await workerOf(world.haproxy);
  await using second = await startMember('v3', { version: 'v3' });
  await world.change(servicesOf({ weights: [0, 0, 1] }, [...members, second]));
  await have('split/split', '001:0:0');
  await until(async () => {
    await tally(4, () => ask(port));
    return second.seen.length > 0;
  });
  const before = second.seen.length;
  await tally(20, () => ask(port));
  expect(second.seen.length - before).toBe(10);
  await world.change(servicesOf({ weights: [0, 0, 1] }));
  await until(async () => {
    const seen = second.seen.length;
    await tally(4, () => ask(port));
    return second.seen.length === seen;
  });
  // Without a member, its share goes to the others.
  await world.change(servicesOf({ weights: [0, 0, 1] }, members.slice(0, 2)));
  await until(async () => (await tally(2, () => ask(port))).v3 === undefined);
  expect(await tally(10, () => ask(port))).not.toHaveProperty('v3');
  // A weight of 0 is the last to stand in for others.
  await world.change(servicesOf({ weights: [0, 1, 1] }, members.slice(0, 2)));
  await have('split/split', '011:0:500000');
  expect(await tally(20, () => ask(port))).toEqual({ v2: 20 });
  await world.change(servicesOf({ weights: [0, 0, 1] }));
  await until(async () => (await tally(2, () => ask(port))).v3 === 2);
  expect(await workerOf(world.haproxy)).toBe(worker);
});

test('what is set by hand is put right by the audit', async () => {
  const path = world.scratch.path('run', 'haproxy.cfg.policy.map');
  const before = await valueIn('split/split');
  await world.haproxy.ask(`set map ${path} web/split/split 100:1000000:1000000`);
  expect(await valueIn('split/split')).toBe('100:1000000:1000000');
  await have('split/split', before ?? '');
});

test('values outlive HAProxy and synapse, and change on the next one', async () => {
  await world.change(servicesOf({ weights: [3, 1, 0] }));
  await have('split/split', '110:750000:1000000');
  const worker = await workerOf(world.haproxy);
  process.kill(worker, 'SIGKILL');
  await until(async () => (await workerOf(world.haproxy).catch(() => worker)) !== worker);
  await have('split/split', '110:750000:1000000');
  await until(async () => (await ask(port)).status === 200);
  await sharesOf([3, 1, 0]);

  const second = await workerOf(world.haproxy);
  world.synapse.kill('SIGKILL');
  await world.synapse.exited;
  expect((await ask(port)).status).toBe(200);
  // It finds other weights in its file than HAProxy has.
  await world.change(servicesOf({ weights: [0, 1, 4] }));
  await using _ = runDaemonOn('synapse', world.scratch.path('synapse.yaml'));
  await have('split/split', '011:0:200000');
  await sharesOf([0, 1, 4]);
  expect(await workerOf(world.haproxy)).toBe(second);
  const text = await readFile(world.scratch.path('run', 'haproxy.cfg.policy.map'), 'utf8');
  expect(text).toContain('web/split/split 011:0:200000\n');
});
