import { dirname } from 'node:path';

import { connect } from '@smartstack/zookeeper';
import { expect, test } from 'vitest';

import { hasAll, sent } from '../../bench/envoy/scene.ts';
import { announceAll, record, type Shape, serviceName } from '../../bench/synapse/scene.ts';
import { createAdmin } from '../../packages/envoy/src/admin/client.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { envoyBinary } from '../support/envoy.ts';
import { removeEnvoys } from '../support/managed-envoy.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { startZooKeeper } from '../support/zookeeper.ts';

const shape: Shape = { services: 500, members: 20 };
const changes = 50;
/** Of one change on the connection, in bytes. */
const mostBytes = 2048;

test('one of 10,000 members comes or leaves: one response with one service’s members', {
  timeout: 300_000,
}, async () => {
  await using zookeeper = await startZooKeeper();
  await using scratch = await createScratch();
  await announceAll(zookeeper.hosts, shape);
  const status = await freePort();
  await using _envoys = {
    [Symbol.asyncDispose]: () => removeEnvoys(scratch.path('envoy')),
  };
  await using _synapse = await start(zookeeper.hosts, scratch.path('envoy'), status);
  await hasAll(scratch.directory, shape);
  await until(async () => (await fetch(`http://127.0.0.1:${status}/ready`)).ok);

  const admin = createAdmin({ path: scratch.path('envoy', 'envoy-admin.sock') });
  const { signal } = new AbortController();
  const sumOf = async (pattern: string) => {
    const counters = await admin.get(`/stats?filter=${encodeURIComponent(pattern)}`, signal);
    const values = Array.from(counters.matchAll(/: (\d+)$/gm), ([, count]) => Number(count));
    return values.reduce((sum, one) => sum + one, 0);
  };
  const counted = async () => ({
    taken: await sumOf('update_success$'),
    refused: await sumOf('update_rejected$'),
  });
  const received = () => sumOf('^cluster\\.xds\\.upstream_cx_rx_bytes_total$');
  const has = async (service: string, what: RegExp) =>
    what.test(await admin.get(`/clusters?filter=^${service}$`, signal));

  const session = connect({ hosts: [zookeeper.hosts] });
  const [before, { responses }] = [await counted(), await sent(status)];
  const bytes: number[] = [];
  for (let change = 1; change <= changes; change += 1) {
    const service = serviceName(change * 7);
    const since = await received();
    if (change % 2 === 0) {
      await session.remove(`/${service}/vm-0_0000000000`);
      await until(() => has(service, /:8000::health_flags::.*eds/));
    } else {
      const data = Buffer.from(record(change * 7, shape.members));
      await session.create(`/${service}/vm-20_0000000020`, data, 'persistent');
      await until(() => has(service, /:8020::health_flags::healthy/));
    }
    bytes.push((await received()) - since);
    expect((await sent(status)).responses).toBe(responses + change);
  }
  await session.close();
  expect(await counted()).toEqual({ ...before, taken: before.taken + changes });
  process.stdout.write(`one change at 500 x 20: at most ${Math.max(...bytes)} bytes on the wire\n`);
  expect(Math.max(...bytes)).toBeLessThanOrEqual(mostBytes);
});

/** A synapse that follows every service of the shape, in a folder of its own. */
async function start(hosts: string, directory: string, status: number): Promise<Daemon> {
  const port = await freePort();
  const serviceOf = (n: number) => ({
    discovery: { method: 'zookeeper', path: `/${serviceName(n)}` },
    bind_address: `127.1.${Math.floor(n / 250)}.${(n % 250) + 1}`,
    port,
  });
  const numbers = Array.from({ length: shape.services }, (_, n) => n);
  const config = {
    zookeeper: { hosts: [hosts] },
    status_address: `127.0.0.1:${status}`,
    proxy: 'envoy',
    haproxy: false,
    envoy: {
      binary: envoyBinary(),
      run_directory: directory,
      on_exit: 'stop',
      log_level: 'warning',
      concurrency: 1,
      // Who leaves stays for the whole test: that it is gone is a change of its own.
      drain_timeout: '10m',
    },
    services: Object.fromEntries(numbers.map((n) => [serviceName(n), serviceOf(n)])),
  };
  return startDaemon('synapse', config, dirname(directory));
}
