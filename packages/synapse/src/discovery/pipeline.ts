import type { Log } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';
import type { ServiceConfig } from '../config/config.ts';
import type { Discovery, DiscoveryDeps } from './discovery.ts';
import { withPort } from './policies/backend-port.ts';
import { type FallbackPolicy, withFallback } from './policies/fallback.ts';
import { filtersOf, withFilters } from './policies/label-filters.ts';
import { withLeader } from './policies/leader.ts';
import { withLocality } from './policies/locality.ts';
import {
  createShrinkGuard,
  type ShrinkGuard,
  type ShrinkGuardPolicy,
} from './policies/shrink-guard.ts';
import { createDiscovery } from './table.ts';
import { createTrace, type Trace } from './trace.ts';

export interface Pipeline {
  readonly discovery: Discovery;
  readonly guard: ShrinkGuard | undefined;
  /** What came out of each step. */
  readonly trace: Trace;
}

export interface PipelineOptions {
  /** The guard's policy where the service has none of its own; false for no guard. */
  readonly shrinkGuard: ShrinkGuardPolicy | false;
  /** The members that an earlier run served. */
  readonly saved: readonly Instance[] | undefined;
}

/** How long a registry's lists are in doubt after it was in trouble, in milliseconds. */
const doubt = 60_000;

/**
 * A service's discovery with the steps that its configuration adds, in this order: filters, port, shrink
 * guard, locality, default and previous members, leader.
 */
export function createPipeline(
  service: ServiceConfig,
  { shrinkGuard, saved }: PipelineOptions,
  deps: DiscoveryDeps,
): Pipeline {
  const log = deps.log.child({ service: deps.service });
  const port = service.backend_port_override;
  const trace = createTrace();
  const found = trace.through(
    'found',
    createDiscovery(service.discovery, {
      ...deps,
      log,
      port,
      onTrouble: trace.note,
      onFound: trace.found,
      onHealth: trace.health,
    }),
  );
  const filtered = trace.through('filtered', withFilters(found, filtersOf(service.discovery)));
  const addressed = withPort(filtered, port);
  const policy = service.shrink_guard ?? shrinkGuard;
  const guard = policy ? guardOf(policy, saved, { ...deps, log }) : undefined;
  const guarded = guard ? guard.guard(addressed) : addressed;
  const near = withLocality(guarded, service.locality);
  const kept = trace.through('kept', withFallback(near, fallbackOf(service), saved));
  return { guard, trace, discovery: elected(kept, service, log) };
}

function guardOf(
  policy: ShrinkGuardPolicy,
  saved: readonly Instance[] | undefined,
  { service, log, metrics, registries }: DiscoveryDeps,
): ShrinkGuard {
  const doubtful = () => performance.now() - (registries.lastUnhealthy() ?? -doubt) < doubt;
  return createShrinkGuard({ policy, saved, log, metrics, service, doubtful });
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
