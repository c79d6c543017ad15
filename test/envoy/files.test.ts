import { readdir, readFile, stat } from 'node:fs/promises';
import { createMetrics, silentLog } from '@smartstack/daemon';
import { createRegistries } from '@smartstack/registry';
import { expect, onTestFinished, test } from 'vitest';

import { type Copy, startCopy } from '../support/copies.ts';
import { startDaemon } from '../support/daemon.ts';
import { startEnvoy } from '../support/envoy.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { startTraffic, type Traffic } from '../support/traffic.ts';
import { until } from '../support/until.ts';

test('an Envoy of somebody else follows members by files, and loses no request', async () => {
  await using world = await createWorld();
  const { scratch, port } = world;
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  await world.announce(one);
  await using synapse = await world.startSynapse();
  await until(() => stat(scratch.path('files', 'cds.json')));
  await using _envoy = await startEnvoy(
    bootstrapOf(scratch.path('files'), port),
    scratch.path('own'),
  );
  await until(async () => (await fetch(`http://127.0.0.1:${port}/`)).ok);

  const end = new AbortController();
  const traffic = startTraffic(port, 50, end.signal);
  await until(() => traffic.byCopy.get('one'));
  const withdraw = await world.announce(two);
  await until(() => traffic.byCopy.get('two'));
  const before = await stat(scratch.path('files', 'cds.json'));
  await withdraw();
  await until(async () => {
    const answered = traffic.byCopy.get('two');
    await answers(traffic, 20);
    return traffic.byCopy.get('two') === answered;
  });
  await two[Symbol.asyncDispose]();
  await answers(traffic, 50);

  // Who does not run tells nobody: the files stand, and Envoy goes on.
  await synapse[Symbol.asyncDispose]();
  await answers(traffic, 50);
  end.abort();
  await traffic.done;
  expect([...traffic.reasons]).toEqual([]);
  expect(traffic.lost).toBe(0);
  expect((await stat(scratch.path('files', 'cds.json'))).ino).toBe(before.ino);
});

test('a service comes with its files, and goes with them', async () => {
  await using world = await createWorld();
  const { scratch, port } = world;
  await using one = await startCopy('one');
  await world.announce(one);
  await using synapse = await world.startSynapse(['web', 'other']);
  await until(() => stat(scratch.path('files', 'cds.json')));
  expect(await readdir(scratch.path('files', 'eds'))).toEqual(['other.json', 'web.json']);
  await using envoy = await startEnvoy(
    bootstrapOf(scratch.path('files'), port),
    scratch.path('own'),
  );
  const signal = AbortSignal.timeout(60_000);
  const has = async (cluster: string) =>
    (await envoy.admin.get('/clusters', signal)).includes(`${cluster}::`);
  await until(() => has('other'));
  await synapse[Symbol.asyncDispose]();
  await using _ = await world.startSynapse(['web']);
  await until(async () => !(await has('other')));
  expect(await has('web')).toBe(true);
  await until(async () => (await readdir(scratch.path('files', 'eds'))).length === 1);
  expect(await readFile(scratch.path('files', 'cds.json'), 'utf8')).not.toContain('other');
});

/** Resolves after so many more answers. */
async function answers(traffic: Traffic, count: number): Promise<void> {
  const before = traffic.answered;
  await until(() => traffic.answered >= before + count);
}

/** A registry of files, and a synapse that writes files for an Envoy. */
async function createWorld() {
  const scratch = await createScratch();
  const port = await freePort();
  const registries = createRegistries({ log: silentLog, metrics: createMetrics() });
  const end = new AbortController();
  onTestFinished(() => end.abort());
  const registry = { type: 'file', directory: scratch.path('registry') } as const;
  return {
    scratch,
    port,
    /** Announces a copy; the function that this resolves with withdraws it. */
    async announce({ name, port: at }: Copy) {
      const instance = { name, host: '127.0.0.1', port: at };
      const announced = await registries
        .open(registry)
        .announce('/services/web', instance, end.signal);
      return async () => announced[Symbol.asyncDispose]();
    },
    startSynapse: (services: readonly string[] = ['web']) =>
      startDaemon(
        'synapse',
        {
          registry,
          status_address: false,
          proxy: 'envoy',
          haproxy: false,
          envoy: { managed: false, xds: { socket: false }, files: scratch.path('files') },
          services: Object.fromEntries(
            services.map((name) => [
              name,
              { discovery: { method: 'file', path: '/services/web' }, protocol: 'http' },
            ]),
          ),
        },
        scratch.directory,
      ),
    async [Symbol.asyncDispose]() {
      end.abort();
      await registries[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

/** An Envoy whose listener is its owner's, and whose clusters are synapse's files. */
function bootstrapOf(files: string, port: number): object {
  const manager = {
    '@type':
      'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'web',
    route_config: {
      // Clusters come later than this listener.
      validate_clusters: false,
      virtual_hosts: [
        {
          name: 'web',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: 'web' } }],
        },
      ],
    },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
        },
      },
    ],
  };
  return {
    node: { id: 'own', cluster: 'own' },
    dynamic_resources: {
      cds_config: {
        path_config_source: { path: `${files}/cds.json` },
        resource_api_version: 'V3',
      },
    },
    static_resources: {
      listeners: [
        {
          name: 'web',
          address: { socket_address: { address: '127.0.0.1', port_value: port } },
          filter_chains: [
            {
              filters: [
                {
                  name: 'envoy.filters.network.http_connection_manager',
                  typed_config: manager,
                },
              ],
            },
          ],
        },
      ],
    },
  };
}
