import { type Log, type Metrics, serveStatus } from '@smartstack/daemon';
import { createRegistries, type Registries } from '@smartstack/registry';

import type { LoadedConfig, ServiceConfig } from './config.ts';
import type { DiscoveryDeps } from './discovery/discovery.ts';
import { type FallbackPolicy, withFallback } from './discovery/policies.ts';
import { createDiscovery } from './discovery/table.ts';
import { haproxy } from './proxies/haproxy/index.ts';
import type { ProxyDriver } from './proxies/proxy.ts';
import { createReconciler, type Followed } from './reconciler.ts';
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
  registries: Registries,
  deps: SynapseDeps,
): readonly Followed[] {
  const { zookeeper, registry } = config;
  const shared: Omit<DiscoveryDeps, 'service'> = {
    ...deps,
    registries,
    zookeeper: zookeeper && { type: 'zookeeper', hosts: zookeeper.hosts },
    file: registry && { type: 'file', directory: registry.directory },
  };
  return Object.entries(config.services).map(([name, service]) => ({
    service: {
      name,
      instances: undefined,
      defaults: service.default_servers,
      ...(service.haproxy && { haproxy: service.haproxy }),
      origin: source.locate(['services', name]),
    },
    discovery: withFallback(
      createDiscovery(service.discovery, { ...shared, service: name }),
      fallbackOf(service),
    ),
  }));
}

function fallbackOf(service: ServiceConfig): FallbackPolicy {
  return {
    defaultServers: service.default_servers,
    keepDefaultServers: service.keep_default_servers,
    usePreviousBackends: service.use_previous_backends,
  };
}
