import { createMetrics, parseSource, silentLog } from '@smartstack/daemon';
import type { Instance, OpenedRegistries, Registry } from '@smartstack/registry';
import { expect, onTestFinished, test, vi } from 'vitest';

import { configSchema, type LoadedConfig } from './config/config.ts';
import { followedServices } from './reconcile/followed.ts';
import { createReconciler } from './reconcile/reconciler.ts';

const fail = () => {
  throw new Error('a defect');
};

/** What a registry does at each step of following it. */
const steps = {
  'when it is opened': fail,
  'when it is asked': () => whose(fail),
  'before its first list': () =>
    // biome-ignore lint/correctness/useYield: it fails before it has anything to say
    whose(async function* () {
      fail();
    }),
  'after its first list': () =>
    whose(async function* (): AsyncGenerator<readonly Instance[]> {
      yield [];
      fail();
    }),
} satisfies Record<string, () => Registry>;

/** A registry all of whose methods are this one. */
const whose = (method: () => unknown) => new Proxy({}, { get: () => method }) as Registry;

const hosts = ['127.0.0.1:1'];
const methods = {
  zookeeper: { hosts, path: '/web' },
  zookeeper_poll: { hosts, path: '/web' },
  zookeeper_dns: { hosts, path: '/web' },
  zookeeper_dns_poll: { hosts, path: '/web' },
  file: { directory: '/nowhere' },
};

const table = Object.keys(methods).flatMap((method) =>
  Object.keys(steps).map((step) => [method, step] as const),
);

test.each(table)('a %s discovery that throws %s stops no other service', async (method, step) => {
  const open = steps[step as keyof typeof steps];
  const broken = { method, ...methods[method as keyof typeof methods] };
  const near = [{ host: '127.0.0.1', port: 80 }];
  const written = {
    services: {
      broken: { discovery: broken, backend_port_override: 80 },
      api: { discovery: { method: 'base' }, default_servers: near },
    },
  };
  const source = parseSource('synapse.yaml', JSON.stringify(written));
  const config = configSchema.parse(written) as LoadedConfig['config'];
  const registries = {
    open,
    openZooKeeper: open,
    lastUnhealthy: () => undefined,
  } as unknown as OpenedRegistries;
  const deps = { log: silentLog, metrics: createMetrics() };
  const reconciler = createReconciler({
    followed: followedServices({ config, source, warnings: [] }, registries, deps),
    outputs: [],
    startupTimeout: 10_000,
    ...deps,
  });
  const ended = new AbortController();
  const running = reconciler.run(ended.signal);
  onTestFinished(async () => {
    ended.abort();
    await running;
  });
  await vi.waitFor(() => expect(reconciler.failure('broken')).toContain('a defect'));
  await vi.waitFor(() => expect(reconciler.snapshot().get('api')?.instances).toMatchObject(near));
  expect(reconciler.failure('api')).toBeUndefined();
});
