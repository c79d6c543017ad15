import { createMetrics, silentLog } from '@smartstack/daemon';
import { type Announcement, createZooKeeperRegistry } from '@smartstack/registry';
import { expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import { freePort } from '../support/ports.ts';
import { createStage } from '../support/stage.ts';
import { workerOf } from '../support/stats-socket.ts';
import { startTraffic } from '../support/traffic.ts';
import { until } from '../support/until.ts';
import { startZooKeeper } from '../support/zookeeper.ts';

/** Requests a second, each on a new connection. */
const rate = 300;

test('no request is lost and nothing is reloaded over 50 membership changes', async () => {
  await using zookeeper = await startZooKeeper();
  await using stage = await createStage({ zookeeper: { hosts: [zookeeper.hosts] } });
  await using registry = createZooKeeperRegistry({
    hosts: [zookeeper.hosts],
    log: silentLog,
    metrics: createMetrics(),
  });
  const copies = await Promise.all(Array.from({ length: 8 }, (_, i) => startCopy(`web-${i}`)));
  const ended = new AbortController();
  const announcements: Announcement[] = [];
  const announce = async (index: number) => {
    const { name, port } = copies[index % copies.length] as (typeof copies)[number];
    const instance = { host: '127.0.0.1', port, name };
    announcements.push(await registry.announce('/services/web', instance, ended.signal));
  };
  const settled = () => until(async () => (await stage.rotation()).length === announcements.length);

  for (const index of [0, 1, 2, 3]) await announce(index);
  await stage.synapse();
  await settled();
  const worker = await workerOf(stage.haproxy);
  const traffic = startTraffic(stage.port, rate, ended.signal);
  const underLoad = () => {
    const { answered } = traffic;
    return until(() => traffic.answered >= answered + 20);
  };
  for (let change = 0; change < 50; change += 2) {
    await announce(change / 2 + 4);
    await settled();
    await underLoad();
    await announcements.shift()?.[Symbol.asyncDispose]();
    await settled();
    await underLoad();
  }
  ended.abort();
  await traffic.done;
  expect([...traffic.reasons]).toEqual([]);
  expect(traffic.lost).toBe(0);
  expect(traffic.answered).toBeGreaterThanOrEqual(50 * 20);
  expect(await workerOf(stage.haproxy)).toBe(worker);
  await Promise.all(copies.map((copy) => copy[Symbol.asyncDispose]()));
});

test('no request is lost while 10 services are added and removed, each by a reload', async () => {
  await using zookeeper = await startZooKeeper();
  await using stage = await createStage({ zookeeper: { hosts: [zookeeper.hosts] } });
  await using copy = await startCopy('web-1');
  await stage.nerve([copy]);
  let synapse = await stage.synapse();
  await until(async () => (await stage.rotation()).length === 1);
  const ended = new AbortController();
  const traffic = startTraffic(stage.port, rate, ended.signal);
  const workers = new Set([await workerOf(stage.haproxy)]);
  for (let round = 0; round < 10; round += 1) {
    for (const others of [{ [`other-${round}`]: await otherService(copy.port) }, {}]) {
      await synapse[Symbol.asyncDispose]();
      synapse = await stage.synapse(others);
      // For a moment the one before may still answer.
      const after = await until(async () => {
        const worker = await workerOf(stage.haproxy);
        return !workers.has(worker) && worker;
      });
      workers.add(after);
    }
  }
  ended.abort();
  await traffic.done;
  expect([...traffic.reasons]).toEqual([]);
  expect(traffic.lost).toBe(0);
  expect(workers.size).toBe(1 + 20);
}, 120_000);

async function otherService(port: number): Promise<object> {
  return {
    discovery: { method: 'base' },
    default_servers: [{ name: 'other', host: '127.0.0.1', port }],
    haproxy: { port: await freePort() },
  };
}
