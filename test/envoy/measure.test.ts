import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { Agent, createServer, get } from 'node:http';
import { type AddressInfo, connect, createServer as createTcp, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { latencyEnds, type Measured } from '@smartstack/proxy';
import { expect, onTestFinished, test } from 'vitest';

import { createAdmin } from '../../packages/envoy/src/admin/client.ts';
import { createMeasuring, type MeasuredService } from '../../packages/envoy/src/admin/measuring.ts';
import { ownAnswers } from '../../packages/envoy/src/admin/routes.ts';
import type { Written } from '../../packages/envoy/src/resources/service.fixture.ts';
import { serveEnvoys } from '../support/envoy-served.ts';
import { createEnvoyRun } from '../support/managed-envoy.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';

const { signal } = new AbortController();

/** An Envoy that serves these services, and what it measures of them. */
async function setUp(
  services: Readonly<Record<string, Written>>,
  about: Readonly<Record<string, Partial<MeasuredService>>>,
) {
  const run = await createEnvoyRun();
  onTestFinished(() => run[Symbol.asyncDispose]());
  await mkdir(run.options.directory);
  const served = await serveEnvoys(run.options.xds);
  onTestFinished(() => served[Symbol.asyncDispose]());
  served.serve(services);
  const envoy = run.own();
  onTestFinished(() => envoy[Symbol.asyncDispose]());
  await envoy.ensure(signal);
  await until(() => envoy.ensure(signal).then(() => envoy.status().state === 'LIVE'));
  const measuring = createMeasuring(
    createAdmin(run.options.admin),
    run.path('run', 'envoy-ejections.log'),
  );
  const asked = new Map(
    Object.entries(about).map(([name, more]) => [
      name,
      { mode: 'http', clusters: [name], routes: ['rest'], ejectFor: undefined, ...more } as const,
    ]),
  );
  return {
    served,
    measure: () => measuring.measure(asked, signal),
    of: async (name: string): Promise<Measured> => {
      const one = (await measuring.measure(asked, signal)).get(name);
      if (!one) throw new Error(`${name} is not measured`);
      return one;
    },
  };
}

async function listening(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

const member = (status: number, delay: number) =>
  listening(
    createServer((_, response) => {
      response.statusCode = status;
      void sleep(delay).then(() => response.end());
    }),
  );

const agent = new Agent({ keepAlive: true });
async function ask(port: number, path: string, times: number): Promise<void> {
  for (let n = 0; n < times; n++)
    await new Promise<void>((resolve, reject) => {
      get({ host: '127.0.0.1', port, path, agent }, (response) => {
        response.resume().once('end', resolve);
      }).once('error', reject);
    });
}

const host = '127.0.0.1';
const sum = (buckets: readonly number[] = []) => buckets.reduce((total, one) => total + one, 0);

test('requests, errors and times of a service and of each route, Envoy’s own answers too', async () => {
  const port = await freePort();
  const members = [
    { host, port: await member(200, 0), labels: { version: 'v1' } },
    { host, port: await member(404, 60), labels: { version: 'v2' } },
  ];
  const policy = {
    routes: [
      { name: 'v2', match: { path_prefix: '/v2' }, to: [{ subset: { version: 'v2' }, weight: 1 }] },
      { name: 'gone', match: { path_prefix: '/gone' }, respond: { status: 410 } },
      { name: 'v1', match: { path_prefix: '/v1' }, to: [{ subset: { version: 'v1' }, weight: 1 }] },
    ],
  };
  const { of } = await setUp(
    { web: { port, members, policy } },
    {
      web: {
        clusters: ['web', 'web|version=v1', 'web|version=v2'],
        routes: ['v2', 'gone', 'v1', 'rest'],
      },
    },
  );
  await ask(port, '/v2/x', 4);
  await ask(port, '/gone', 3);
  await ask(port, '/v1', 5);
  const web = await of('web');
  expect(web).toMatchObject({ mode: 'http', requests: 12, errors: 0, queued: 0, retries: 0 });
  const routes = new Map(web.routes.map((route) => [route.name, route]));
  expect([...routes.keys()]).toEqual(['v2', 'gone', 'v1', 'rest', ownAnswers]);
  expect(routes.get('v2')).toMatchObject({ requests: 4, errors: { '4xx': 4, '5xx': 0 } });
  expect(routes.get('v1')).toMatchObject({ requests: 5, errors: { '4xx': 0, '5xx': 0 } });
  expect(routes.get(ownAnswers)).toMatchObject({ requests: 3, errors: { '4xx': 3, '5xx': 0 } });
  for (const { requests, buckets } of web.routes) expect(sum(buckets)).toBe(requests);
  // A member that takes 60 ms is in no bucket below.
  const below = latencyEnds.indexOf(50);
  expect(sum(routes.get('v2')?.buckets.slice(0, below + 1))).toBe(0);
  expect(web.average).toBeGreaterThan(10);
  for (const each of members)
    expect(web.servers.get(`${host}:${each.port}`)?.status).toBe('HEALTHY');
});

test('a member that fails is ejected, since when, why, and until when', async () => {
  const [port, good, bad] = [await freePort(), await member(200, 0), await member(503, 0)];
  const members = [good, bad].map((each) => ({ host, port: each }));
  const policy = {
    outlier_ejection: { errors: 3, eject_for: '3s' },
    retries: { attempts: 2, on: [503] },
  };
  const { of } = await setUp({ web: { port, members, policy } }, { web: { ejectFor: 3_000 } });
  expect((await of('web')).ejections).toBe(0);
  const since = Date.now();
  await ask(port, '/', 20);
  const web = await of('web');
  expect(web).toMatchObject({ requests: 20, errors: 0, ejections: 1 });
  expect(web.retries).toBeGreaterThanOrEqual(3);
  const server = web.servers.get(`${host}:${bad}`);
  expect(server).toMatchObject({
    status: 'EJECTED',
    ejected: { why: 'too many errors in a row', time: 3_000 },
  });
  expect(server?.ejected?.since).toBeGreaterThan(since - 1_000);
  expect(server?.ejected?.back).toBe((server?.ejected?.since ?? 0) + 3_000);
  expect(web.servers.get(`${host}:${good}`)).not.toHaveProperty('ejected');
  await until(async () => (await of('web')).servers.get(`${host}:${bad}`)?.status === 'HEALTHY');
});

test('where no member is left, and where the members are others, that is seen', async () => {
  const port = await freePort();
  const { of, served } = await setUp({ web: { port, members: [] } }, { web: {} });
  await ask(port, '/', 3);
  expect(await of('web')).toMatchObject({ requests: 3, errors: 3, servers: new Map() });
  const members = [{ host, name: 'one', port: await member(200, 0) }];
  served.serve({ web: { port, members } });
  const names = async () => [...(await of('web')).servers.keys()];
  await until(async () => (await names()).length === 1);
  expect(await names()).toEqual([`one_${host}:${members[0]?.port}`]);
});

test('connections of TCP, and those that reach no member', async () => {
  const [port, lost] = [await freePort(), await freePort()];
  const echo = await listening(createTcp((socket) => socket.pipe(socket)));
  const { of } = await setUp(
    {
      db: { port, protocol: 'tcp', members: [{ host, port: echo }] },
      none: { port: lost, protocol: 'tcp', members: [{ host, port: await freePort() }] },
    },
    { db: { mode: 'tcp', routes: [] }, none: { mode: 'tcp', routes: [] } },
  );
  for (let n = 0; n < 3; n++) {
    const socket = connect(port, host);
    socket.write('x');
    await once(socket, 'data');
    socket.destroy();
    const refused = connect(lost, host).on('error', () => {});
    await once(refused, 'close');
  }
  expect(await of('db')).toMatchObject({ mode: 'tcp', requests: 3, errors: 0, routes: [] });
  expect(await of('none')).toMatchObject({ mode: 'tcp', requests: 3, errors: 3 });
});

test('a service that Envoy does not know has counted nothing', async () => {
  const { of } = await setUp({}, { web: {} });
  expect(await of('web')).toMatchObject({ requests: 0, errors: 0, average: undefined });
});
