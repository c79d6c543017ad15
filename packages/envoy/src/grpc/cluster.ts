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

export interface ClusterInput {
  readonly service: string;
  readonly policy: Policy;
  /** Whether some of its members have UNIX sockets, which gRPC applications cannot connect to. */
  readonly hasSockets: boolean;
}

/**
 * How members of a service, or some of them, are called; who they are is the same list that Envoy has, or one of their
 * own where some have sockets.
 */
export function grpcClusterOf(
  { service, policy, hasSockets }: ClusterInput,
  subset: Subset,
): Cluster {
  const ejection = grpcEjectionOf(policy);
  const endpoints = (hasSockets ? grpcName : clusterName)(service, subset);
  return create(ClusterSchema, {
    name: grpcName(service, subset),
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ads, serviceName: endpoints },
    ...grpcBalanceOf(policy.balance),
    // What is not said has no bound: theirs is 1024.
    circuitBreakers: { thresholds: [{ maxRequests: policy.limits?.requests ?? unlimited }] },
    ...(ejection && { outlierDetection: ejection }),
  });
}
