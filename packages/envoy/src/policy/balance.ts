import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Policy } from '@smartstack/policy';

import {
  type ClusterSchema,
  Cluster_LbPolicy as LbPolicy,
} from '../proto/envoy/config/cluster/v3/cluster_pb.ts';
import { timeOf } from './values.ts';

/** How a cluster chooses a member for a request. */
export function balanceOf({
  balance = 'round_robin',
  slow_start: slowStart,
}: Policy): Pick<MessageInitShape<typeof ClusterSchema>, 'lbPolicy' | 'lbConfig'> {
  const slow =
    slowStart === undefined ? {} : { slowStartConfig: { slowStartWindow: timeOf(slowStart) } };
  if (typeof balance === 'object')
    return { lbPolicy: 'ring_hash' in balance ? LbPolicy.RING_HASH : LbPolicy.MAGLEV };
  switch (balance) {
    case 'round_robin':
      return {
        lbPolicy: LbPolicy.ROUND_ROBIN,
        ...(slowStart !== undefined && {
          lbConfig: { case: 'roundRobinLbConfig', value: slow },
        }),
      };
    case 'least_request':
      return {
        lbPolicy: LbPolicy.LEAST_REQUEST,
        lbConfig: { case: 'leastRequestLbConfig', value: { choiceCount: choices, ...slow } },
      };
    case 'random':
      return { lbPolicy: LbPolicy.RANDOM };
  }
}

/**
 * Among how many members, taken at random, the one with the least requests is: of Envoy's own 2 both are the same busy one
 * for each fourth request where there are two members.
 */
const choices = 16;
