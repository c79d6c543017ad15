import type { MeasuredServer } from '@smartstack/proxy';

import type { Ejections } from './ejections.ts';
import type { ClusterMember } from './members.ts';

/** The members of a cluster as they were last read. */
export interface SeenCluster {
  /** What is another one when they are, or their state. */
  readonly print: string;
  /** By address, with the time since when each is in its state. */
  readonly members: ReadonlyMap<string, { readonly member: ClusterMember; readonly since: number }>;
}

/** A member that is in the state that it was in keeps its time. */
export function seenNow(
  members: readonly ClusterMember[],
  print: string,
  before: SeenCluster | undefined,
): SeenCluster {
  const now = Date.now();
  return {
    print,
    members: new Map(
      members.map((member) => {
        const last = before?.members.get(member.address);
        const since = last?.member.status === member.status ? last.since : now;
        return [member.address, { member, since }];
      }),
    ),
  };
}

/** The servers of a service in all its clusters; one that any of them ejected is shown so. */
export function serversOf(
  {
    clusters,
    ejectFor,
  }: { readonly clusters: readonly string[]; readonly ejectFor: number | undefined },
  seen: ReadonlyMap<string, SeenCluster>,
  ejections: Ejections,
): ReadonlyMap<string, MeasuredServer> {
  const servers = new Map<string, MeasuredServer>();
  for (const cluster of clusters)
    for (const [address, { member, since }] of seen.get(cluster)?.members ?? []) {
      if (servers.get(member.name)?.ejected) continue;
      const { name, status, isEjected } = member;
      const event = isEjected ? ejections.of(cluster, address) : undefined;
      const ejected = {
        since: event?.since ?? since,
        why: event?.why ?? 'too many errors',
        time: ejectFor ?? usualTime,
        back: (event?.since ?? since) + (ejectFor ?? usualTime),
      };
      servers.set(name, {
        name,
        address,
        status,
        since: event?.since ?? since,
        reason: event?.why ?? '',
        ...(isEjected && { ejected }),
      });
    }
  return servers;
}

/** Envoy's own, in milliseconds. */
const usualTime = 30_000;
