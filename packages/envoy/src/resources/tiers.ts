import { isIn, type Locality, levelOf, nearest, type Subset } from '@smartstack/policy';
import type { Instance } from '@smartstack/registry';

import type { Member } from './members.ts';

/** Members of which each group serves only while those before it have none that is healthy. */
export interface Tiers {
  readonly serving: readonly (readonly Member[])[];
  /** Members that finish what they have, and get nothing new. */
  readonly draining: readonly Member[];
}

export interface TiersInput {
  readonly members: readonly Member[];
  readonly leaving: readonly Member[];
  readonly subset: Subset;
  readonly locality: Locality | undefined;
}

/**
 * The members of a cluster, from those that serve first on: the nearest ones of its subset, others of it, and the
 * members beside the subset. No group is empty, no address is there twice, and equal members have the same order.
 */
export function tiersOf({ members, leaving, subset, locality }: TiersInput): Tiers {
  const taken = new Set<string>();
  const free = (list: readonly Member[]) =>
    list.toSorted(byAddress).filter(({ address }) => {
      const isFree = !taken.has(address);
      taken.add(address);
      return isFree;
    });
  const all = near(free(members), locality);
  const active = all.filter(({ instance }) => weightOf(instance) > 0);
  const isOurs = ({ instance }: Member) => isIn(instance, subset);
  const groups =
    Object.keys(subset).length === 0
      ? [active]
      : [active.filter(isOurs), active.filter((member) => !isOurs(member))];
  return {
    serving: groups.flatMap((group) => levels(group, locality)).filter(({ length }) => length > 0),
    draining: [...all.filter(({ instance }) => weightOf(instance) === 0), ...free(leaving)],
  };
}

/** Its part of the traffic beside the others; 0 for none. */
export function weightOf({ trafficWeight, weight }: Instance): number {
  return Math.min(trafficWeight ?? weight ?? 1, mostWeight);
}

/** The weights of a cluster have a sum below 2^32: of 4,000 members at the least. */
const mostWeight = 1_000_000;

function near(members: readonly Member[], locality: Locality | undefined): readonly Member[] {
  if (!locality || locality.spill === 'down') return members;
  const instances = new Set(
    nearest(
      members.map(({ instance }) => instance),
      locality,
      locality.spill,
    ),
  );
  return members.filter(({ instance }) => instances.has(instance));
}

function levels(
  members: readonly Member[],
  locality: Locality | undefined,
): readonly (readonly Member[])[] {
  if (locality?.spill !== 'down') return [members];
  const groups: Member[][] = Array.from({ length: locality.prefer.length + 1 }, () => []);
  for (const member of members) groups[levelOf(member.instance, locality)]?.push(member);
  return groups;
}

function byAddress(one: Member, other: Member): number {
  if (one.address !== other.address) return one.address < other.address ? -1 : 1;
  return one.name < other.name ? -1 : 1;
}
