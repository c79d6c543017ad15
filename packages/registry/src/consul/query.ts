import type { Params } from './client.ts';
import type { ConsulMapping } from './mapping.ts';

/** What is asked of Consul for one service in one datacenter. */
export interface ConsulQuery {
  readonly service: string;
  /** The agent's own where none is said. */
  readonly datacenter?: string | undefined;
  /** Instances have all of them. */
  readonly tags: readonly string[];
  /** An expression in Consul's own language. */
  readonly filter?: string | undefined;
  /** Nearest to this node first; `_agent` for the agent's. */
  readonly near?: string | undefined;
  readonly consistency: 'default' | 'stale' | 'consistent';
  /** How old the answer of a server may be that is no leader, in milliseconds. */
  readonly maxStale: number;
}

export const plainQuery = (service: string): ConsulQuery => ({
  service,
  tags: [],
  consistency: 'default',
  maxStale: 10_000,
});

/** A service of one or more datacenters, and what becomes of its instances. */
export interface ConsulFollow extends Omit<ConsulQuery, 'datacenter'> {
  /** In their order: the first with members counts. The agent's own where there is none. */
  readonly datacenters: readonly string[];
  readonly mapping: ConsulMapping;
}

export const pathOf = ({ service }: ConsulQuery) =>
  `/v1/health/service/${encodeURIComponent(service)}`;

export function paramsOf(
  { datacenter, tags, filter, near, consistency }: ConsulQuery,
  mode: ConsulQuery['consistency'] = consistency,
): Params {
  return {
    dc: datacenter,
    tag: tags,
    filter,
    near,
    ...(mode !== 'default' && { [mode]: '' }),
  };
}

/** Asks for the index alone: an expression that nothing fulfils leaves nothing else of the answer. */
export function indexParamsOf(query: ConsulQuery): Params {
  return { ...paramsOf(query, 'default'), near: undefined, filter: noInstance };
}

/** Expressions that no instance and no check fulfils. */
export const noInstance = 'Service.Port == 0 and Service.Port == 1';
export const noCheck = 'ServiceID == "-" and ServiceID == "+"';
