import { create } from '@bufbuild/protobuf';
import type { Policy, Subset } from '@smartstack/policy';

import { unlimited } from '../policy/values.ts';
import {
  type Cluster,
  Cluster_DiscoveryType,
  ClusterSchema,
} from '../proto/envoy/config/cluster/v3/cluster_pb.ts';
import { clusterName } from '../resources/names.ts';
import { ads } from '../resources/source.ts';
import { grpcBalanceOf } from './balance.ts';
import { grpcEjectionOf } from './ejection.ts';
import { grpcName } from './names.ts';

/** How members of a service, or some of them, are called; who they are is the same list that Envoy has. */
export function grpcClusterOf(service: string, subset: Subset, policy: Policy): Cluster {
  const ejection = grpcEjectionOf(policy);
  return create(ClusterSchema, {
    name: grpcName(service, subset),
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ads, serviceName: clusterName(service, subset) },
    ...grpcBalanceOf(policy.balance),
    // What is not said has no bound: theirs is 1024.
    circuitBreakers: { thresholds: [{ maxRequests: policy.limits?.requests ?? unlimited }] },
    ...(ejection && { outlierDetection: ejection }),
  });
}
