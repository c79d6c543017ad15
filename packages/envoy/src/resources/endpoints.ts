import type { Locality, Subset } from '@smartstack/policy';

import { HealthStatus } from '../proto/envoy/config/core/v3/health_check_pb.ts';
import type { Member } from './members.ts';
import { type TiersInput, tiersOf, weightOf } from './tiers.ts';
import { number, text, within, wrapped } from './wire.ts';

/**
 * The members of a cluster, encoded (`ClusterLoadAssignment`): there are many, and the general way took most of the time
 * of a start. Those that drain stand behind all others, so that they do not count where the share of healthy ones does.
 */
export function endpointsOf(cluster: string, input: TiersInput): Buffer {
  const { serving, draining } = tiersOf(input);
  const { locality, subset } = input;
  const factor = hasOrder(subset, locality) ? oneSuffices : 100;
  const parts = [
    text(1, cluster),
    ...serving.map((members, priority) => placesOf(members, { priority, locality })),
    placesOf(draining, { priority: serving.length, locality, isDraining: true }),
    within(4, wrapped(3, factor)),
  ];
  return Buffer.from(parts.join(''), 'latin1');
}

/** Whether some members serve only while others do not. */
const hasOrder = (subset: Subset, locality: Locality | undefined) =>
  locality?.spill === 'down' || Object.keys(subset).length > 0;

/** By this overprovisioning a tier has enough members as long as one of 10,000 is healthy. */
const oneSuffices = 1_000_000;

interface Tier {
  readonly priority: number;
  readonly locality: Locality | undefined;
  readonly isDraining?: boolean;
}

/** The members of one tier, by where they are (`LocalityLbEndpoints`). */
function placesOf(
  members: readonly Member[],
  { priority, locality, isDraining = false }: Tier,
): string {
  const zones = new Map<string, Member[]>();
  for (const member of members) {
    const zone = locality ? (member.instance.labels?.[locality.from] ?? '') : '';
    const known = zones.get(zone);
    if (known) known.push(member);
    else zones.set(zone, [member]);
  }
  const places = [...zones].map(([zone, list]) => {
    const weight = list.reduce((sum, member) => sum + shareOf(member), 0);
    const endpoints = list.map((member) => endpointOf(member, isDraining)).join('');
    // gRPC asks for a place and its weight, also where there is only one.
    const place = within(1, text(2, zone));
    return within(2, place + endpoints + wrapped(3, weight) + number(5, priority));
  });
  return places.join('');
}

/** A weight as Envoy takes it: of what drains it does not count. */
const shareOf = ({ instance }: Member) => Math.max(1, weightOf(instance));

/** One member (`LbEndpoint`). */
function endpointOf(member: Member, isDraining: boolean): string {
  const known = isDraining ? undefined : endpoints.get(member);
  if (known !== undefined) return known;
  const { place, name } = member;
  const address =
    'socket' in place
      ? within(2, text(1, place.socket))
      : within(1, text(2, place.ip) + number(3, place.port));
  const endpoint = within(1, within(1, address) + text(3, name));
  const health = isDraining ? number(2, HealthStatus.DRAINING) : '';
  const made = within(2, endpoint + health + wrapped(4, shareOf(member)));
  if (!isDraining) endpoints.set(member, made);
  return made;
}

/** A cache: a change of one member encodes no other. */
const endpoints = new WeakMap<Member, string>();
