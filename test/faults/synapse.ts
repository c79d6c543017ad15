import { createMetrics, parseSource } from '@smartstack/daemon';
import type { OpenedRegistries } from '@smartstack/registry';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { Output, ProxyDriver } from '../../packages/proxy/src/driver.ts';
import { json, startServer } from '../../packages/registry/src/http/server.fixture.ts';
import {
  configSchema,
  type LoadedConfig,
  type ServiceConfig,
} from '../../packages/synapse/src/config/config.ts';
import { explain } from '../../packages/synapse/src/operator/explain.ts';
import { describeStatus } from '../../packages/synapse/src/operator/status.ts';
import { followedServices } from '../../packages/synapse/src/reconcile/followed.ts';
import { createReconciler } from '../../packages/synapse/src/reconcile/reconciler.ts';

interface ShownService {
  readonly trouble: string | null;
  readonly members: readonly { readonly host: string; readonly port: number }[];
}

/** A line of the log. */
export interface Line {
  readonly level: number;
  readonly msg: string;
  readonly service?: string;
  readonly proxy?: string;
  readonly reason?: string;
}

export interface Scene {
  /** A discovery as it is written. */
  readonly discovery: { readonly method: string };
  /** Keys of the discovery, unchecked. */
  readonly unjudged?: object;
  readonly drivers?: readonly Output[];
  /** Given what to do at the test's end, which must be said among tests that run side by side. */
  readonly atEnd?: typeof onTestFinished;
}

const task = (host: string) => ({ id: host, host, ports: [31_000], startedAt: '2026-01-01' });
const noRegistries = { lastUnhealthy: () => undefined } as unknown as OpenedRegistries;

/** A reconciler of a service `broken` with this discovery beside a good one, `api`, until the test's end. */
export async function startScene({
  discovery,
  unjudged = {},
  drivers = [],
  atEnd = onTestFinished,
}: Scene) {
  const neighbour = await startServer(json({ tasks: [task('first')] }));
  const good = {
    method: 'marathon',
    marathon_api_url: neighbour.url,
    application_name: 'api',
    check_interval: 0.02,
  };
  const needsPort = /^(ec2tag|dns|multi)$/.test(discovery.method);
  const written = {
    services: {
      broken: { discovery, ...(needsPort && { backend_port_override: 80 }) },
      api: { discovery: good },
    },
  };
  const source = parseSource('synapse.yaml', JSON.stringify(written));
  const parsed = configSchema.parse(written) as LoadedConfig['config'];
  const { broken } = parsed.services;
  const config = {
    ...parsed,
    services: {
      ...parsed.services,
      broken: { ...broken, discovery: { ...broken?.discovery, ...unjudged } } as ServiceConfig,
    },
  };
  const lines: Line[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const deps = { log, metrics: createMetrics() };
  const reconciler = createReconciler({
    followed: followedServices({ config, source, warnings: [] }, noRegistries, deps),
    outputs: drivers,
    startupTimeout: 200,
    ...deps,
  });
  const ended = new AbortController();
  const running = reconciler.run(ended.signal);
  const stop = async () => {
    ended.abort();
    await running;
  };
  atEnd(async () => {
    await stop();
    await neighbour[Symbol.asyncDispose]();
  });
  const status = (drivers: readonly Output[] = []) =>
    describeStatus(reconciler, drivers) as {
      readonly services: Readonly<Record<'broken' | 'api', ShownService>>;
      readonly proxies: Readonly<Record<string, { readonly trouble?: string }>>;
    };
  const hosts = (service: 'broken' | 'api') =>
    reconciler
      .snapshot()
      .get(service)
      ?.instances?.map(({ host }) => host);
  return {
    reconciler,
    lines,
    stop,
    status,
    hosts,
    /** What `synapse explain` says of the broken one. */
    explained: (asked: readonly ProxyDriver[] = []) => {
      const [one, service] = [reconciler.get('broken'), reconciler.snapshot().get('broken')];
      const failure = reconciler.failure('broken');
      return one && service && explain(one, service, asked, { failure });
    },
    /** Lets the good one have another member. */
    change: (host: string) => {
      neighbour.answer = json({ tasks: [task(host)] });
    },
  };
}
