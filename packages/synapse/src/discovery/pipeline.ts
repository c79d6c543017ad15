import type { Log } from '@smartstack/daemon';

import type { ServiceConfig } from '../config.ts';
import type { Discovery, DiscoveryDeps } from './discovery.ts';
import { withPort } from './policies/backend-port.ts';
import { type FallbackPolicy, withFallback } from './policies/fallback.ts';
import { withLeader } from './policies/leader.ts';
import { createDiscovery } from './table.ts';

/** A service's discovery with all that its configuration says about what becomes of the lists. */
export function createPipeline(service: ServiceConfig, deps: DiscoveryDeps): Discovery {
  const log = deps.log.child({ service: deps.service });
  const port = service.backend_port_override ?? service.haproxy?.server_port_override;
  const found = createDiscovery(service.discovery, { ...deps, log, port });
  const addressed = withPort(found, service.backend_port_override);
  return elected(withFallback(addressed, fallbackOf(service)), service, log);
}

function elected(discovery: Discovery, service: ServiceConfig, log: Log): Discovery {
  return service.leader_election ? withLeader(discovery, log) : discovery;
}

function fallbackOf(service: ServiceConfig): FallbackPolicy {
  return {
    defaultServers: service.default_servers,
    keepDefaultServers: service.keep_default_servers,
    usePreviousBackends: service.use_previous_backends,
  };
}
