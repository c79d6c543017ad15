import { readFile } from 'node:fs/promises';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { runDaemonOn } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { chiSquare } from './chi-square.fixture.ts';
import { subjects } from './subject.fixture.ts';
import { mapFile, valueIn } from './values.fixture.ts';
import { workerOf } from './worker.fixture.ts';
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

describe.each(subjects)('what changes without a reload of $title', (subject) => {
  let world: World;
  let members: readonly Member[];
  let port = 0;

  const versions = ['v1', 'v2', 'v3'] as const;
  const routes = { split: 'split', abort: '0', limit: '1' } as const;
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
    const top = { haproxy: { audit_interval: '1s' } };
    world = await startWorld(servicesOf({ weights: [1, 1, 1] }), top, subject);
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    for (const member of members) await member[Symbol.asyncDispose]();
  });

  const worker = () => workerOf(world, subject);

  /** Waits until the proxy has a value, which HAProxy's map has in other words than Envoy's routes. */
  const have = (what: keyof typeof routes, inMap: string, inRoutes = inMap) =>
    until(async () => {
      const value = await valueIn(world, subject, routes[what], what).catch(() => undefined);
      return value === (subject.proxy === 'haproxy' ? inMap : inRoutes);
    });

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
    const first = await worker();
    const steps = [
      [[90, 10, 0], '110:900000:1000000'],
      [[0, 0, 7], '001:0:0'],
      [[1, 2, 1], '111:250000:750000'],
      [[333_333, 333_333, 333_334], '111:333333:666666'],
    ] as const;
    for (const [weights, value] of steps) {
      await world.change(servicesOf({ weights }));
      await have('split', value, weights.join(':'));
      await sharesOf(weights);
    }
    for (let weight = 0; weight < 20; weight++)
      await world.change(servicesOf({ weights: [weight, 20 - weight, 0] }));
    await have('split', '110:950000:1000000', '19:1:0');
    await sharesOf([19, 1, 0]);
    expect(await worker()).toBe(first);
  });

  test('shares of faults and rate limits change without a reload', async () => {
    const first = await worker();
    const faults = () => tally(200, () => ask(port, '/faulty'), 'status');
    expect((await faults())[418]).toBeUndefined();
    await world.change(servicesOf({ weights: [1, 1, 1], fault: '100%', requests: 3 }));
    await have('abort', '1000000');
    await have('limit', '3:30', '3');
    expect(await faults()).toEqual({ 418: 200 });
    expect(await tally(6, () => ask(port, '/limited'), 'status')).toEqual({ 200: 3, 429: 3 });
    await world.change(servicesOf({ weights: [1, 1, 1], fault: '25%', requests: 100 }));
    await have('abort', '250000');
    const { 418: faulty = 0 } = await faults();
    const { value, bound } = chiSquare([faulty, 200 - faulty], [1, 3]);
    process.stdout.write(`fault 25%: ${faulty} of 200, χ² ${value.toFixed(2)}\n`);
    expect(value).toBeLessThan(bound);
    expect(await tally(6, () => ask(port, '/limited'), 'status')).toEqual({ 200: 6 });
    expect(await worker()).toBe(first);
  });

  test('members of a subset come and go without a reload', async () => {
    const first = await worker();
    await using second = await startMember('v3', { version: 'v3' });
    await world.change(servicesOf({ weights: [0, 0, 1] }, [...members, second]));
    await have('split', '001:0:0', '0:0:1');
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
    await have('split', '011:0:500000', '0:1');
    expect(await tally(20, () => ask(port))).toEqual({ v2: 20 });
    await world.change(servicesOf({ weights: [0, 0, 1] }));
    await until(async () => (await tally(2, () => ask(port))).v3 === 2);
    expect(await worker()).toBe(first);
  });

  if (subject.proxy === 'haproxy')
    test('what is set by hand is put right by the audit', async () => {
      const inMap = () => valueIn(world, subject, 'split', 'split');
      const before = await inMap();
      await world.haproxy.ask(`set map ${mapFile(world)} web/split/split 100:1000000:1000000`);
      expect(await inMap()).toBe('100:1000000:1000000');
      await have('split', before ?? '');
    });

  test('values outlive the proxy and synapse, and change on the next one', async () => {
    await world.change(servicesOf({ weights: [3, 1, 0] }));
    await have('split', '110:750000:1000000', '3:1:0');
    const first = await worker();
    process.kill(first, 'SIGKILL');
    await until(async () => (await worker().catch(() => first)) !== first);
    await have('split', '110:750000:1000000', '3:1:0');
    await until(async () => (await ask(port)).status === 200);
    await sharesOf([3, 1, 0]);

    const second = await worker();
    world.synapse.kill('SIGKILL');
    await world.synapse.exited;
    expect((await ask(port)).status).toBe(200);
    // It finds other weights in its file than the proxy has.
    await world.change(servicesOf({ weights: [0, 1, 4] }));
    await using _ = runDaemonOn('synapse', world.scratch.path('synapse.yaml'));
    await have('split', '011:0:200000', '0:1:4');
    await sharesOf([0, 1, 4]);
    expect(await worker()).toBe(second);
    if (subject.proxy === 'envoy') return;
    const text = await readFile(mapFile(world), 'utf8');
    expect(text).toContain('web/split/split 011:0:200000\n');
  });
});
