import { type Log, type Metrics, serveStatus } from '@smartstack/daemon';
import { createRegistries, type OpenedRegistries } from '@smartstack/registry';

import type { LoadedConfig } from './config.ts';
import { copiesOf } from './copies.ts';
import type { DiscoveryDeps } from './discovery/discovery.ts';
import { followGenerator } from './discovery/generator.ts';
import { createPipeline } from './discovery/pipeline.ts';
import type { Followed } from './followers.ts';
import { haproxy } from './proxies/haproxy/index.ts';
import type { ProxyDriver } from './proxies/proxy.ts';
import { createReconciler } from './reconciler.ts';
import { describeStatus } from './status.ts';

export interface SynapseDeps {
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Follows every configured service and keeps the proxies in step until the signal aborts. */
export async function runSynapse(
  loaded: LoadedConfig,
  deps: SynapseDeps,
  signal: AbortSignal,
): Promise<void> {
  const { config } = loaded;
  await using registries = createRegistries({
    sessionTimeout: config.zookeeper?.session_timeout,
    ...deps,
  });
  await using driver: ProxyDriver = haproxy.create(
    config.haproxy ?? haproxy.schema.parse({}),
    deps,
  );
  const followed = followedServices(loaded, registries, deps);
  deps.log.info({ services: followed.length }, 'following');
  const reconciler = createReconciler({
    followed,
    drivers: [driver],
    startupTimeout: config.startup_timeout,
    ...deps,
  });
  const tasks = [reconciler.run(signal)];
  if (config.status_address)
    tasks.push(
      serveStatus(
        config.status_address,
        {
          ...deps,
          ready: reconciler.ready,
          status: () => describeStatus(reconciler.snapshot(), [driver]),
        },
        signal,
      ),
    );
  await Promise.all(tasks);
}

/** Every configured service with the discovery that follows it; nothing is opened before that runs. */
export function followedServices(
  { config, source }: LoadedConfig,
  registries: OpenedRegistries,
  deps: SynapseDeps,
): readonly Followed[] {
  const { zookeeper, registry } = config;
  const shared: Omit<DiscoveryDeps, 'service'> = {
    ...deps,
    registries,
    zookeeper: zookeeper && { type: 'zookeeper', hosts: zookeeper.hosts },
    file: registry && { type: 'file', directory: registry.directory },
  };
  const services = Object.entries(config.services).flatMap(([name, service]) =>
    copiesOf(name, service).map(([copy, each]) => [copy, each, name] as const),
  );
  return services.map(([name, service, written]) => ({
    service: {
      name,
      instances: undefined,
      // Which default server would lead is not known.
      defaults: service.leader_election ? [] : service.default_servers,
      ...(service.haproxy && { haproxy: service.haproxy }),
      origin: source.locate(['services', written]),
    },
    discovery: createPipeline(service, { ...shared, service: name }),
    overrides:
      service.haproxy &&
      followGenerator(service.discovery, config.haproxy?.trust_registry_config ?? false, {
        ...shared,
        service: name,
      }),
  }));
}
