import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { type Copy, startCopy } from '../support/copies.ts';
import { startDaemon } from '../support/daemon.ts';
import { createScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { startZooKeeper } from '../support/zookeeper.ts';
import { startServer } from './server.ts';

const paths = ['/services/web', '/services/api'];

/** Prometheus with its own discovery of what nerve announces, `nerve_sd_configs`, and nothing else. */
const startPrometheus = (hosts: string) =>
  startServer({
    prepare: (_, { directory }) =>
      writeFile(
        join(directory, 'prometheus.yml'),
        JSON.stringify({
          scrape_configs: [
            { job_name: 'nerve', nerve_sd_configs: [{ servers: [hosts], paths, timeout: '5s' }] },
          ],
        }),
      ),
    command: ({ directory, port }) => [
      'prometheus',
      `--config.file=${directory}/prometheus.yml`,
      `--storage.tsdb.path=${directory}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
  });

interface Target {
  readonly discoveredLabels: Readonly<Record<string, string>>;
}

/** `path name address` of every target that a Prometheus knows, sorted. */
async function targetsOf({ port }: { port: number }): Promise<readonly string[]> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/targets?state=active`);
  const { data } = (await answer.json()) as { data: { activeTargets: readonly Target[] } };
  return data.activeTargets
    .map(({ discoveredLabels: labels }) => {
      const path = labels.__meta_nerve_path ?? '';
      const parent = path.slice(0, path.lastIndexOf('/'));
      return `${parent} ${labels.__meta_nerve_endpoint_name} ${labels.__address__}`;
    })
    .sort();
}

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
  await using prometheus = await startPrometheus(zookeeper.hosts);
  await using _nerve = await startDaemon('nerve', config, scratch.directory);
  const listed = (...copies: readonly (readonly [string, Copy])[]) =>
    until(
      async () => {
        const expected = copies.map(([path, { port }]) => `${path} vm-1 127.0.0.1:${port}`).sort();
        expect(await targetsOf(prometheus)).toEqual(expected);
        return true;
      },
      // Prometheus gathers what its discoveries found every 5 s.
      30_000,
    );
  const [web = '', api = ''] = paths;
  await listed([web, plain], [web, rich], [api, encoded], [api, persistent]);
  plain.healthy(false);
  sick.healthy(true);
  await listed([web, rich], [api, encoded], [api, persistent], [api, sick]);
});
