import type { Policy, Subset } from '@smartstack/policy';
import type { Service } from '@smartstack/proxy';

import { grpcResourcesOf } from '../grpc/resources.ts';
import type { GrpcUse } from '../grpc/uses.ts';
import type { LogTarget } from '../policy/access-log.ts';
import { routesOf, type Targets } from '../policy/routes.ts';
import { ListenerSchema } from '../proto/envoy/config/listener/v3/listener_pb.ts';
import { RouteConfigurationSchema } from '../proto/envoy/config/route/v3/route_pb.ts';
import type { Resource } from '../xds/resource.ts';
import type { createClusters } from './cluster.ts';
import { encoded, resourceOf } from './encode.ts';
import type { ListenAddress } from './listen-address.ts';
import { listenerOf } from './listener.ts';
import { clusterName } from './names.ts';

export interface ConfigInput {
  readonly service: Service;
  readonly policy: Policy;
  readonly listen: ListenAddress | undefined;
  /** Of each route, and in the end of requests that no route matches. */
  readonly targets: readonly Targets[];
  /** The parts of its members that are served, each a cluster. */
  readonly subsets: ReadonlyMap<string, Subset>;
  readonly target: LogTarget;
  readonly clusterOf: ReturnType<typeof createClusters>;
  /** Whether Envoy has it. */
  readonly isProxied: boolean;
  /** What gRPC applications need of it. */
  readonly use: GrpcUse | undefined;
  /** Whether these have a list of members of their own, without those that have UNIX sockets. */
  readonly hasSockets: boolean;
}

/** All of a service but its members, for Envoy and for gRPC applications. */
export function configOf(input: ConfigInput): readonly Resource[] {
  const { service, use, isProxied } = input;
  return [
    ...(isProxied ? envoyResourcesOf(input) : []),
    ...(use ? grpcResourcesOf({ ...input, service: service.name, use }) : []),
  ];
}

/** Its clusters, and its listener and routes where apps connect to it. */
function envoyResourcesOf(input: ConfigInput): readonly Resource[] {
  const { service, policy, listen, subsets, targets, target, clusterOf } = input;
  const { name, protocol = 'tcp' } = service;
  const facts = { audience: 'all', service: name } as const;
  const clusters = [...subsets.values()].map((subset) => {
    const cluster = clusterName(name, subset);
    const value = clusterOf(cluster, policy, protocol);
    return resourceOf(value, { type: 'cluster', name: cluster, ...facts });
  });
  if (!listen) return clusters;
  const listener = listenerOf({ service: name, ...listen, policy, protocol, target });
  const listening = encoded(ListenerSchema, listener, {
    type: 'listener',
    name: listener.name,
    ...facts,
  });
  if (protocol === 'tcp') return [...clusters, listening];
  const routes = routesOf({ service: name, policy, targets, clusterOf: clusterName });
  return [
    ...clusters,
    listening,
    encoded(RouteConfigurationSchema, routes, { type: 'route', name, ...facts }),
  ];
}
