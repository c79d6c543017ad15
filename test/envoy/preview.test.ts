import { createMetrics, silentLog } from '@smartstack/daemon';
import type { Snapshot } from '@smartstack/proxy';
import { expect, test } from 'vitest';

import { envoySchema } from '../../packages/envoy/src/config/config.ts';
import { resourcesOptions } from '../../packages/envoy/src/config/rendering.ts';
import { createManagedEnvoy } from '../../packages/envoy/src/process/managed.ts';
import { optionsOf } from '../../packages/envoy/src/process/paths.ts';
import { createResources } from '../../packages/envoy/src/resources/resources.ts';
import { snapshotOf, type Written } from '../../packages/envoy/src/resources/service.fixture.ts';
import { preview } from '../../packages/envoy/src/status/preview.ts';
import { createAdsServer } from '../../packages/envoy/src/xds/server.ts';
import { envoyBinary } from '../support/envoy.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

const signal = new AbortController().signal;

const served = (services: Readonly<Record<string, Written>>): Snapshot =>
  new Map(
    [...snapshotOf(services)].map(([name, service]) => [
      name,
      { ...service, own: { envoy: { disabled: false, ...(service.own?.envoy as object) } } },
    ]),
  );

const routes = [
  {
    match: { path_prefix: '/v2', headers: { 'x-canary': 'true' }, methods: ['GET'] },
    to: [{ subset: { v: '1' }, weight: 10 }, { subset: { v: '2' } }],
    fault: { abort: { status: 503, share: '0.1%' }, delay: { time: '200ms', share: '1%' } },
    rate_limit: { requests: 10 },
    rewrite: { path_prefix: '/', host: 'web.internal' },
    headers: { request: { set: { 'x-from': 'mesh' } } },
  },
];
const policy = {
  routes,
  timeouts: { request: '1500ms', per_try: '250ms' },
  retries: { attempts: 2, on: [503, 'reset'], back_off: '25ms' },
  balance: { ring_hash: { header: 'x-user' } },
  limits: { connections: 100 },
  access_log: 'json',
  request_id: true,
  panic: '40%',
};
const members = [
  { host: '127.0.0.1', port: 8001, name: 'a', weight: 5, labels: { v: '1', zone: 'a' } },
  { host: '::1', port: 8002, labels: { zone: 'b' } },
  { host: 'unix', port: '/run/none.sock' as const, labels: { v: '2' } },
];
const locality = { from: 'labels.zone', prefer: ['a', 'b'], spill: 'down' };

test('a preview has no difference to what a real Envoy has, but the one that there is', async () => {
  await using scratch = await createScratch();
  const config = envoySchema.parse({
    run_directory: scratch.directory,
    binary: envoyBinary(),
    on_exit: 'stop',
    concurrency: 1,
    log_level: 'warning',
  });
  const options = optionsOf(config);
  if (!options) throw new Error('not managed');
  const [web, db] = [await freePort(), await freePort()];
  const services = {
    web: { members, port: web, policy, locality },
    db: { members: [{ host: '127.0.0.1', port: 1 }], protocol: 'tcp', port: db },
  } as const;
  const before = await preview(config, served(services), signal);
  expect(before).toMatchObject({ before: undefined, reload: 'envoy does not run' });

  await using ads = createAdsServer({ log: silentLog, metrics: createMetrics() });
  await ads.listen({ socket: { path: options.xds } });
  const make = createResources(resourcesOptions(config, () => undefined));
  ads.serve(make(served(services)).resources);
  await using envoy = createManagedEnvoy(options, silentLog);
  await envoy.ensure(signal);
  await until(async () => ads.status().length > 0 && ads.isInStep);

  const same = await until(async () => {
    const now = await preview(config, served(services), signal);
    return now?.before?.includes('"listener/db"') ? now : undefined;
  });
  expect(same?.before).toBe(same?.text);
  expect(same).toMatchObject({ reload: undefined, objections: [] });

  const fewer = { ...services, web: { ...services.web, members: members.slice(0, 2) } };
  const other = await preview(config, served(fewer), signal);
  expect(other?.before).toBe(same?.text);
  expect(other?.before).toContain('/run/none.sock');
  expect(other?.text).not.toContain('/run/none.sock');
});
