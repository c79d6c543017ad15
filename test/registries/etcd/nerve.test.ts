import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { type Daemon, startDaemon } from '../../support/daemon.ts';
import { createScratch, type Scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { type Cluster, startCluster } from './cluster.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster[Symbol.asyncDispose]());

const service = (port: number) => ({ host: '127.0.0.1', port, etcd_path: '/web', checks: [] });
const key = (port: number) => `/web/vm-1-127.0.0.1:${port}`;

function start(scratch: Scratch, ports: readonly number[]): Promise<Daemon> {
  const services = Object.fromEntries(ports.map((port) => [`web-${port}`, service(port)]));
  return startDaemon(
    'nerve',
    {
      instance_id: 'vm-1',
      status_address: false,
      etcd: { endpoints: [...cluster.endpoints], lease_ttl: 10 },
      services,
    },
    scratch.directory,
  );
}

/** Every change of a key, as `etcdctl` tells it. */
function watchKeys() {
  const endpoints = `--endpoints=${cluster.endpoints.join(',')}`;
  const child = execa('etcdctl', [endpoints, 'watch', '/web', '--prefix'], {
    env: { ETCDCTL_API: '3' },
    reject: false,
    buffer: false,
  });
  const lines: string[] = [];
  const read = (async () => {
    for await (const line of child) lines.push(String(line));
  })();
  return {
    lines,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await read.catch(() => {});
    },
  };
}

const announced = (daemon: Daemon) => daemon.log.filter(({ msg }) => msg === 'announced').length;

test('a nerve that is killed, or hands over, leaves its keys to the next one, and nobody sees a change', async () => {
  await using scratch = await createScratch();
  const first = await start(scratch, [81, 82]);
  await until(async () => (await cluster.keys()).length === 2);
  await using watching = watchKeys();
  await until(async () => {
    await cluster.ctl('put', '/web-is-watched', 'now');
    return watching.lines.includes('now');
  });
  await cluster.ctl('put', '/web-is-watched', 'last');
  await until(() => watching.lines.includes('last'));
  const before = watching.lines.length;

  first.kill('SIGKILL');
  await first.exited;
  const second = await start(scratch, [81, 82]);
  await until(() => announced(second) === 2);
  // Longer than the first one's lease would have lived by itself.
  await new Promise((resolve) => setTimeout(resolve, 10_500));

  second.kill('SIGUSR2');
  await second.exited;
  const third = await start(scratch, [81]);
  await until(async () => (await cluster.keys('/web/')).length === 1);
  expect(await cluster.keys('/web/')).toEqual([key(81)]);
  // The service that is not configured any more is the only change that anybody saw.
  expect(watching.lines.slice(before).filter((line) => line !== '')).toEqual(['DELETE', key(82)]);
  const complaints = third.log.filter(
    ({ level, msg }) => level >= 40 && !msg.includes('no checks'),
  );
  expect(complaints).toEqual([]);

  await third[Symbol.asyncDispose]();
  expect(await cluster.keys('/web/')).toEqual([]);
});
