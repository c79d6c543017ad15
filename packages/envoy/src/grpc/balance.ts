import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import type { Balance } from '@smartstack/policy';

import {
  type ClusterSchema,
  Cluster_LbPolicy as LbPolicy,
  type LoadBalancingPolicy_PolicySchema,
} from '../proto/envoy/config/cluster/v3/cluster_pb.ts';
import { LeastRequestSchema } from '../proto/envoy/extensions/load_balancing_policies/least_request/v3/least_request_pb.ts';
import {
  RingHash_HashFunction as HashFunction,
  RingHashSchema,
} from '../proto/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash_pb.ts';
import { RoundRobinSchema } from '../proto/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin_pb.ts';
import { WrrLocalitySchema } from '../proto/envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality_pb.ts';

/**
 * How clients choose a member. All have round robin, and a client that does not have the policy of a cluster refuses it
 * whole; so another one stands in a list, of which each takes the first that it has, and those that know no list go on
 * with round robin. Among these is C core 1.51, which does have a ring hash and crashes by it (grpc/grpc#31766).
 */
export function grpcBalanceOf(
  balance: Balance = 'round_robin',
): Pick<MessageInitShape<typeof ClusterSchema>, 'lbPolicy' | 'loadBalancingPolicy'> {
  const list = typeof balance === 'object' ? ringHash : balance === 'least_request' && leastRequest;
  return {
    lbPolicy: LbPolicy.ROUND_ROBIN,
    ...(list && { loadBalancingPolicy: { policies: [list] } }),
  };
}

type PolicyInit = MessageInitShape<typeof LoadBalancingPolicy_PolicySchema>;

function policy<Desc extends DescMessage>(
  schema: Desc,
  config: MessageInitShape<Desc>,
): PolicyInit {
  const name = `envoy.load_balancing_policies.${schema.name}`;
  return { typedExtensionConfig: { name, typedConfig: anyPack(schema, create(schema, config)) } };
}

const ringHash = policy(RingHashSchema, { hashFunction: HashFunction.XX_HASH });
const leastRequest = policy(WrrLocalitySchema, {
  endpointPickingPolicy: {
    policies: [policy(LeastRequestSchema, {}), policy(RoundRobinSchema, {})],
  },
});
