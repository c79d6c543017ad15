import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Locality, Subset } from '@smartstack/policy';

import { HealthStatus } from '../proto/envoy/config/core/v3/health_check_pb.ts';
import {
  type LbEndpoint,
  LbEndpointSchema,
  type LocalityLbEndpointsSchema,
} from '../proto/envoy/config/endpoint/v3/endpoint_components_pb.ts';
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from '../proto/envoy/config/endpoint/v3/endpoint_pb.ts';
import type { Member } from './members.ts';
import { type TiersInput, tiersOf, weightOf } from './tiers.ts';

/**
 * The members of a cluster. Those that drain stand behind all others, so that they do not count where the share of
 * healthy members does.
 */
export function endpointsOf(cluster: string, input: TiersInput): ClusterLoadAssignment {
  const { serving, draining } = tiersOf(input);
  const { locality, subset } = input;
  return create(ClusterLoadAssignmentSchema, {
    clusterName: cluster,
    endpoints: [
      ...serving.flatMap((members, priority) => placesOf(members, { priority, locality })),
      ...placesOf(draining, { priority: serving.length, locality, isDraining: true }),
    ],
    policy: { overprovisioningFactor: hasOrder(subset, locality) ? oneSuffices : 100 },
  });
}

/** Whether some members serve only while others do not. */
const hasOrder = (subset: Subset, locality: Locality | undefined) =>
  locality?.spill === 'down' || Object.keys(subset).length > 0;

/** By this a group has enough members as long as one of 10,000 is healthy. */
const oneSuffices = 1_000_000;

interface Tier {
  readonly priority: number;
  readonly locality: Locality | undefined;
  readonly isDraining?: boolean;
}

/** The members of one tier, by where they are. */
function placesOf(
  members: readonly Member[],
  { priority, locality, isDraining = false }: Tier,
): readonly MessageInitShape<typeof LocalityLbEndpointsSchema>[] {
  const zones = new Map<string, Member[]>();
  for (const member of members) {
    const zone = locality ? (member.instance.labels?.[locality.from] ?? '') : '';
    const known = zones.get(zone);
    if (known) known.push(member);
    else zones.set(zone, [member]);
  }
  return [...zones].map(([zone, list]) => ({
    // gRPC asks for both, also where there is one place only.
    locality: { zone },
    loadBalancingWeight: list.reduce((sum, member) => sum + Math.max(1, weightOf(member)), 0),
    priority,
    lbEndpoints: list.map((member) => endpointOf(member, isDraining)),
  }));
}

function endpointOf(member: Member, isDraining: boolean): LbEndpoint {
  const known = endpoints.get(member);
  if (known && !isDraining) return known;
  const { place, name } = member;
  const made = create(LbEndpointSchema, {
    hostIdentifier: {
      case: 'endpoint',
      value: {
        hostname: name,
        address: {
          address:
            'socket' in place
              ? { case: 'pipe', value: { path: place.socket } }
              : {
                  case: 'socketAddress',
                  value: {
                    address: place.ip,
                    portSpecifier: { case: 'portValue', value: place.port },
                  },
                },
        },
      },
    },
    loadBalancingWeight: Math.max(1, weightOf(member)),
    ...(isDraining && { healthStatus: HealthStatus.DRAINING }),
  });
  if (!isDraining) endpoints.set(member, made);
  return made;
}

/** A cache: a change of one member makes the messages of no other. */
const endpoints = new WeakMap<Member, LbEndpoint>();
