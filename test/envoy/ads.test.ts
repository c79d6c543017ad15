import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { createMetrics, silentLog } from '@smartstack/daemon';
import { expect, test } from 'vitest';

import { bootstrapOf } from '../../packages/envoy/src/process/bootstrap.ts';
import { createResources } from '../../packages/envoy/src/resources/resources.ts';
import {
  options,
  snapshotOf,
  type Written,
} from '../../packages/envoy/src/resources/service.fixture.ts';
import { createAdsServer } from '../../packages/envoy/src/xds/server.ts';
import { startEnvoy } from '../support/envoy.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

type Services = Readonly<Record<string, Written>>;

/** A member that says its name. */
async function startMember(name: string) {
  const server = createServer((_, response) => response.end(name));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const instance = { host: '127.0.0.1', port, name };
  return {
    instance,
    [Symbol.dispose]: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const answerAt = async (port: number) => {
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
  return `${response.status} ${await response.text()}`;
};

/** An Envoy that takes its configuration from a server of services. */
async function start(protocol: 'delta' | 'sotw') {
  const folder = await createScratch();
  const directory = folder.directory;
  const xds = `${directory}/xds.sock`;
  const make = createResources(options);
  const serverFor = async (services: Services) => {
    const metrics = createMetrics();
    const server = createAdsServer({ log: silentLog, metrics });
    server.serve(make(snapshotOf(services)).resources);
    await server.listen({ socket: { path: xds } });
    return { server, metrics };
  };
  let now = await serverFor({});
  const { text } = bootstrapOf({
    options: { admin: { path: `${directory}/admin.sock` }, node: { id: 'n', cluster: 'c' }, xds },
    maxConnections: 1_000,
    ejections: `${directory}/ejections.log`,
    args: [],
  });
  const bootstrap = JSON.parse(text);
  if (protocol === 'sotw') bootstrap.dynamic_resources.ads_config.api_type = 'GRPC';
  const envoy = await startEnvoy(bootstrap, directory);
  const { signal } = new AbortController();

  /** How many responses were sent, by type. */
  async function responses(): Promise<Record<string, number>> {
    const { body } = await now.metrics.text();
    const lines = body.matchAll(/synapse_xds_responses_total\{type="(\w+)"\} (\d+)/g);
    return Object.fromEntries(Array.from(lines, ([, type, count]) => [type, Number(count)]));
  }
  return {
    get server() {
      return now.server;
    },
    ask: (path: string) => envoy.admin.get(path, signal),
    serve: (services: Services) => now.server.serve(make(snapshotOf(services)).resources),
    responses,
    inStep: () => until(() => now.server.status().length === 1 && now.server.isInStep),
    restart: async (services: Services) => {
      await now.server[Symbol.asyncDispose]();
      now = await serverFor(services);
    },
    [Symbol.asyncDispose]: async () => {
      await envoy[Symbol.asyncDispose]();
      await now.server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test.for(['delta', 'sotw'] as const)(
  '%s: Envoy follows services that come, change and go',
  async (protocol) => {
    using one = await startMember('one');
    using two = await startMember('two');
    await using envoy = await start(protocol);
    await until(async () => (await envoy.ask('/ready')).includes('LIVE'));
    const port = await freePort();
    const seen = new Set<string>();
    const answers = (what: string) =>
      until(async () => {
        const answer = await answerAt(port);
        seen.add(answer);
        return answer === what;
      });

    envoy.serve({ web: { members: [one.instance], port } });
    await answers('200 one');
    await envoy.inStep();
    expect([...seen], 'it is reachable no earlier than it can answer').toEqual(['200 one']);

    const before = await envoy.responses();
    envoy.serve({ web: { members: [two.instance], port } });
    await answers('200 two');
    await envoy.inStep();
    expect(await envoy.responses()).toEqual({ ...before, endpoints: (before.endpoints ?? 0) + 1 });

    // Envoy would wait 15 s for the endpoints of a cluster that changed.
    const since = performance.now();
    const slower = { members: [two.instance], port, policy: { timeouts: { connect: '7s' } } };
    envoy.serve({ web: slower });
    await until(async () => (await envoy.ask('/config_dump')).includes('"connect_timeout": "7s"'));
    await envoy.inStep();
    expect(performance.now() - since).toBeLessThan(5_000);

    envoy.serve({ renamed: slower });
    await until(async () => (await envoy.ask('/listeners')).includes('listener/renamed'));
    expect(await answerAt(port)).toBe('200 two');
    expect(envoy.server.isSettled).toBe(true);
    expect(envoy.server.status()[0]?.rejected).toEqual([]);

    envoy.serve({});
    await until(async () => (await envoy.ask('/listeners')) === '');
    await expect(answerAt(port)).rejects.toThrow();
    expect(await envoy.ask('/clusters'), 'it stays for those who finish').toContain('renamed::');
  },
);

test('what Envoy refuses is known by name, and all else is served', async () => {
  using one = await startMember('one');
  using two = await startMember('two');
  await using envoy = await start('delta');
  const port = await freePort();
  envoy.serve({
    web: { members: [one.instance], port },
    bad: { members: [one.instance], port: one.instance.port },
    worse: { members: [{ host: '127.0.0.1', port: 1 }], port: two.instance.port, protocol: 'tcp' },
  });
  await until(async () => (await answerAt(port)) === '200 one');
  await until(() => envoy.server.isSettled && !envoy.server.isInStep);
  const rejected = envoy.server.status()[0]?.rejected ?? [];
  expect(rejected.map(({ type, service, serves }) => [type, service, serves]).sort()).toEqual([
    ['listener', 'bad', 'nothing'],
    ['listener', 'worse', 'nothing'],
  ]);
  expect(rejected[0]?.reason).toMatch(/^listener\/bad: .*Address already in use/);
  envoy.serve({ web: { members: [one.instance], port } });
  await envoy.inStep();
});

test('Envoy goes on while synapse is away, and is sent nothing that it has when it is back', async () => {
  using one = await startMember('one');
  using two = await startMember('two');
  await using envoy = await start('delta');
  const [port, other] = [await freePort(), await freePort()];
  const services = {
    web: { members: [one.instance], port },
    api: { members: [two.instance], port: other },
  };
  envoy.serve(services);
  await until(async () => (await answerAt(port)) === '200 one');
  await envoy.inStep();
  await envoy.restart({ ...services, api: { members: [one.instance], port: other } });
  expect(await answerAt(port)).toBe('200 one');
  await until(async () => (await answerAt(other)) === '200 one');
  await envoy.inStep();
  expect(await envoy.responses()).toEqual({ endpoints: 1 });
  expect(envoy.server.status()[0]?.types.cluster).toMatchObject({
    subscribed: 'wildcard',
    acked: { count: 2 },
  });
});

test('a service whose members nobody knows keeps no other from being served', async () => {
  using one = await startMember('one');
  await using envoy = await start('delta');
  const [port, other] = [await freePort(), await freePort()];
  const since = performance.now();
  envoy.serve({
    web: { members: [one.instance], port },
    unknown: { members: undefined, port: other },
  });
  await until(async () => (await answerAt(port)) === '200 one');
  await envoy.inStep();
  expect(performance.now() - since).toBeLessThan(5_000);
});
