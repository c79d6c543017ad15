import { createHash } from 'node:crypto';

import { createLatest, type Log, type Metrics } from '@smartstack/daemon';
import type { OpenedRegistries } from '@smartstack/registry';

import type { LoadedConfig, ServiceConfig } from './config.ts';
import { copiesOf } from './copies.ts';
import type { DiscoveryDeps } from './discovery/discovery.ts';
import { followGenerator } from './discovery/generator.ts';
import { createChosen } from './discovery/multi/chosen.ts';
import { createPipeline } from './discovery/pipeline.ts';
import type { Followed } from './followers.ts';
import { isOff, sectionOf } from './proxies/haproxy/index.ts';
import type { Memory } from './remembered.ts';

/** What all of synapse shares. */
export interface SynapseDeps {
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Every configured service with the discovery that follows it; nothing is opened before that runs.
 * `memory` has the members of an earlier run, which are served until the registry is heard.
 */
export function followedServices(
  { config, source }: LoadedConfig,
  registries: OpenedRegistries,
  deps: SynapseDeps,
  memory: Memory = new Map(),
): readonly Followed[] {
  const { zookeeper, registry } = config;
  const shared: Omit<DiscoveryDeps, 'service'> = {
    ...deps,
    registries,
    zookeeper: zookeeper && { type: 'zookeeper', hosts: zookeeper.hosts },
    file: registry && { type: 'file', directory: registry.directory },
  };
  const trusted = sectionOf(config.haproxy)?.trust_registry_config ?? false;
  const isProxied = !isOff(config.haproxy);
  const services = Object.entries(config.services).flatMap(([name, service]) =>
    copiesOf(name, service).map(([copy, each]) => [copy, each, name] as const),
  );
  return services.map(([name, service, written]) => {
    const identity = hashOf([waysOf(service), zookeeper?.hosts, registry]);
    const before = memory.get(name);
    const remembered = before?.identity === identity ? before.instances : undefined;
    const chosen = createChosen();
    const missing = createLatest<string>();
    const serviceDeps = {
      ...shared,
      service: name,
      onChosen: chosen.note,
      onMissing: missing.set,
    };
    return {
      config: service,
      missing,
      identity: hashOf([service, zookeeper, registry, config.shrink_guard, trusted, isProxied]),
      service: {
        name,
        instances: undefined,
        identity,
        // Which default server would lead is not known.
        defaults: remembered ?? (service.leader_election ? [] : service.default_servers),
        ...(remembered && { stale: true }),
        ...(isProxied && service.haproxy && { haproxy: service.haproxy }),
        ...(service.locality?.spill === 'down' && { locality: service.locality }),
        ...(service.file_output?.disabled && { fileOutput: false }),
        origin: source.locate(['services', written]),
      },
      ...attempted(() => ({
        ...createPipeline(service, { shrinkGuard: config.shrink_guard, remembered }, serviceDeps),
        overrides:
          isProxied && service.haproxy
            ? followGenerator(service.discovery, trusted, serviceDeps, chosen)
            : undefined,
      })),
    };
  });
}

type Parts = Omit<Followed, 'service'>;

/** A service whose parts cannot be made fails when it is followed, and is no other's trouble. */
function attempted(make: () => Parts): Parts {
  try {
    return make();
  } catch (error) {
    return {
      // biome-ignore lint/correctness/useYield: it never comes to that
      discovery: async function* () {
        throw error;
      },
    };
  }
}

/** What decides which members a service has. */
function waysOf({
  haproxy: _,
  shrink_guard: __,
  file_output: ___,
  ...ways
}: ServiceConfig): object {
  return ways;
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 22);
}
