import type { Resource, ResourceSnapshot } from '../xds/resource.ts';

/** What of all resources an Envoy has: neither what only gRPC applications ask for, nor the members of their clusters. */
export function forEnvoy({
  cluster,
  endpoints,
  listener,
  route,
}: ResourceSnapshot): ResourceSnapshot {
  return {
    cluster: filtered(cluster, isForAll),
    endpoints: filtered(endpoints, (one) => isForAll(one) && cluster.has(one.name)),
    listener: filtered(listener, isForAll),
    route: filtered(route, isForAll),
  };
}

const isForAll = ({ audience }: Resource) => audience === 'all';

const filtered = (all: ReadonlyMap<string, Resource>, isKept: (one: Resource) => boolean) =>
  new Map([...all].filter(([, one]) => isKept(one)));
