import type { Log } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';

import type { Discovery } from '../discovery.ts';

/** The leader, or why there is none. */
export type Election = { readonly leader: Instance } | { readonly failure: string };

/**
 * The number that says who came first: the ten digits at the end of a name that ZooKeeper gave, or the revision
 * at which etcd created a key, behind an `@`.
 */
export function sequenceOf({ id }: Instance): number | undefined {
  const digits = id?.match(/(?<=@)\d{1,15}$|\d{10}$/)?.[0];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * Chooses the member that announced itself first. One that leads keeps leading for as long as its record
 * stands. Fails closed: a member without a sequence number means that no leader can be determined.
 */
export function elect(previous: Instance | undefined, members: readonly Instance[]): Election {
  if (members.length === 0) return { failure: 'there are no members' };
  const unnumbered = members.find((member) => sequenceOf(member) === undefined);
  if (unnumbered)
    return { failure: `${unnumbered.host}:${unnumbered.port} has no sequence number` };
  const incumbent = previous && members.find(({ id }) => id === previous.id);
  return {
    leader:
      incumbent ??
      members.reduce((first, next) =>
        Number(sequenceOf(next)) < Number(sequenceOf(first)) ? next : first,
      ),
  };
}

/** The discovery with its leader as its only member, or with none where no leader can be told. */
export function withLeader(discovery: Discovery, log: Log): Discovery {
  return async function* (signal) {
    let leader: Instance | undefined;
    let complaint = '';
    for await (const members of discovery(signal)) {
      const election = elect(leader, members);
      const failure = 'failure' in election ? election.failure : '';
      if (failure !== '' && failure !== complaint)
        log.warn(
          {
            reason: failure,
            fix: 'check that members are registered, each with a sequence number in its name',
          },
          'no leader: no member is served',
        );
      complaint = failure;
      leader = 'leader' in election ? election.leader : undefined;
      yield leader ? [leader] : [];
    }
  };
}
