import { expect, test } from 'vitest';

import { type Copy, startCopy } from '../support/copies.ts';
import { startDaemon } from '../support/daemon.ts';
import { gathered, type Prometheus, startPrometheus } from '../support/prometheus.ts';
import { createScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { startZooKeeper } from '../support/zookeeper.ts';

const paths = ['/services/web', '/services/api'];

/** Its own discovery of what nerve announces, and nothing else. */
const jobsOf = (hosts: string) => [
  { job_name: 'nerve', nerve_sd_configs: [{ servers: [hosts], paths, timeout: '5s' }] },
];

/** `path name address` of every target that a Prometheus knows, sorted. */
const targetsOf = async (prometheus: Prometheus) =>
  (await prometheus.targets())
    .map(({ discoveredLabels: labels }) => {
      const path = labels.__meta_nerve_path ?? '';
      const parent = path.slice(0, path.lastIndexOf('/'));
      return `${parent} ${labels.__meta_nerve_endpoint_name} ${labels.__address__}`;
    })
    .sort();

test("Prometheus' nerve_sd_configs lists exactly the announced instances", async () => {
  await using zookeeper = await startZooKeeper();
  await using scratch = await createScratch();
  await using plain = await startCopy('plain');
  await using rich = await startCopy('rich');
  await using encoded = await startCopy('encoded');
  await using persistent = await startCopy('persistent');
  await using sick = await startCopy('sick');
  sick.healthy(false);
  const service = ({ port }: Copy, path: string | undefined, keys: object = {}) => ({
    host: '127.0.0.1',
    port,
    zk_path: path,
    check_interval: 0.1,
    checks: [{ type: 'http', uri: '/health', timeout: 5 }],
    ...keys,
  });
  const config = {
    instance_id: 'vm-1',
    status_address: false,
    zookeeper: { hosts: [zookeeper.hosts] },
    services: {
      plain: service(plain, paths[0]),
      rich: service(rich, paths[0], {
        weight: 7,
        labels: { az: 'a' },
        haproxy_server_options: 'backup',
      }),
      encoded: service(encoded, paths[1], { use_path_encoding: true }),
      persistent: service(persistent, paths[1], { node_type: 'persistent_sequential' }),
      sick: service(sick, paths[1]),
    },
  };
  await using prometheus = await startPrometheus(jobsOf(zookeeper.hosts));
  await using _nerve = await startDaemon('nerve', config, scratch.directory);
  const listed = (...copies: readonly (readonly [string, Copy])[]) =>
    until(async () => {
      const expected = copies.map(([path, { port }]) => `${path} vm-1 127.0.0.1:${port}`).sort();
      expect(await targetsOf(prometheus)).toEqual(expected);
      return true;
    }, gathered);
  const [web = '', api = ''] = paths;
  await listed([web, plain], [web, rich], [api, encoded], [api, persistent]);
  plain.healthy(false);
  sick.healthy(true);
  await listed([web, rich], [api, encoded], [api, persistent], [api, sick]);
});
