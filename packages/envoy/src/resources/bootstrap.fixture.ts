import type { JsonObject, JsonValue } from '@bufbuild/protobuf';

import type { ResourceSnapshot } from '../xds/resource.ts';
import { jsonOf } from './json.ts';

/** A bootstrap in which all of a snapshot stands as it is, so that Envoy judges it without a control plane. */
export function staticBootstrap(resources: ResourceSnapshot, admin?: string): JsonObject {
  const list = (type: keyof ResourceSnapshot) =>
    [...resources[type].values()].map((one) => jsonOf(one) as JsonObject);
  const endpoints = new Map(list('endpoints').map((one) => [one.cluster_name, one]));
  const routes = new Map(list('route').map((one) => [one.name, one]));
  const clusters = list('cluster').map(({ eds_cluster_config: _, ...cluster }) => ({
    ...cluster,
    type: 'STATIC',
    load_assignment: endpoints.get(cluster.name as string) ?? { cluster_name: cluster.name ?? '' },
  }));
  return {
    node: { id: 'test', cluster: 'test' },
    ...(admin !== undefined && { admin: { address: { pipe: { path: admin } } } }),
    static_resources: { clusters, listeners: list('listener').map((one) => inlined(one, routes)) },
  };
}

/** The value with routes in place of their names. */
function inlined(
  value: JsonValue,
  routes: ReadonlyMap<JsonValue | undefined, JsonObject>,
): JsonObject {
  if (Array.isArray(value))
    return value.map((one) => inlined(one, routes)) as unknown as JsonObject;
  if (typeof value !== 'object' || value === null) return value as unknown as JsonObject;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) =>
      key === 'rds'
        ? ['route_config', routes.get((each as JsonObject).route_config_name) ?? {}]
        : [key, inlined(each, routes)],
    ),
  );
}
