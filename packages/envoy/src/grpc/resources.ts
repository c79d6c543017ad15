import type { Subset } from '@smartstack/policy';

import type { Targets } from '../policy/routes.ts';
import { ClusterSchema } from '../proto/envoy/config/cluster/v3/cluster_pb.ts';
import { ListenerSchema } from '../proto/envoy/config/listener/v3/listener_pb.ts';
import { RouteConfigurationSchema } from '../proto/envoy/config/route/v3/route_pb.ts';
import { encoded } from '../resources/encode.ts';
import type { Resource } from '../xds/resource.ts';
import { type ClusterInput, grpcClusterOf } from './cluster.ts';
import { grpcListenerOf } from './listener.ts';
import { grpcName } from './names.ts';
import { grpcRoutesOf } from './routes.ts';
import type { GrpcUse } from './uses.ts';

export interface GrpcInput extends ClusterInput {
  readonly use: GrpcUse;
  /** Of each route, and in the end of calls that no route matches. */
  readonly targets: readonly Targets[];
  /** The parts of its members that are served, each a cluster. */
  readonly subsets: ReadonlyMap<string, Subset>;
}

/** What gRPC applications that ask for a service by its name are told, but for its members. */
export function grpcResourcesOf(input: GrpcInput): readonly Resource[] {
  const { service, use, policy, subsets } = input;
  const facts = { audience: 'named', service } as const;
  const clusters = [...subsets.values()].map((subset) => {
    const name = grpcName(service, subset);
    const cluster = grpcClusterOf(input, subset);
    return encoded(ClusterSchema, cluster, { type: 'cluster', name, ...facts });
  });
  if (use === 'reached') return clusters;
  const listener = grpcListenerOf(service, policy);
  const routes = grpcRoutesOf(input);
  return [
    ...clusters,
    encoded(ListenerSchema, listener, { type: 'listener', name: service, ...facts }),
    encoded(RouteConfigurationSchema, routes, { type: 'route', name: routes.name, ...facts }),
  ];
}
