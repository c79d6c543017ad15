import type { Channel, Rejection } from './protocol/contract.ts';
import type { Protocol } from './protocol/request.ts';
import { type ResourceType, resourceTypes } from './resource.ts';
import type { Stream } from './transport/stream.ts';

/** One subscriber, for people: JSON-safe. */
export interface StreamStatus {
  /** The node's id, as the client gave it. */
  readonly node: string;
  readonly userAgent: string;
  readonly peer: string;
  readonly since: string;
  readonly protocol: Protocol;
  /** Whether it has confirmed all that it asked for. */
  readonly inStep: boolean;
  /** Types that it asked for. */
  readonly types: Partial<Record<ResourceType, TypeStatus>>;
  readonly rejected: readonly RejectedStatus[];
}

export interface TypeStatus {
  /** Everything, or so many names. */
  readonly subscribed: 'wildcard' | number;
  /** The version that it confirmed last, and how many resources it has. */
  readonly acked: { readonly version: string | null; readonly count: number };
  /** How many resources it is still to confirm, or to be told of. */
  readonly pending: number;
}

/** What a subscriber refuses. */
export interface RejectedStatus {
  readonly type: ResourceType;
  /** Empty where the subscriber does not say which one, and one by one it refuses none. */
  readonly resource: string;
  readonly service: string;
  readonly version: string;
  readonly reason: string;
  readonly since: string;
  /** What it goes on with: the last version that it took, or nothing. */
  readonly serves: 'last good' | 'nothing';
}

export function statusOf({ state, peer, since, protocol }: Stream): StreamStatus {
  const rejected = resourceTypes.flatMap((type) => [...state.channels[type].rejected.values()]);
  return {
    node: state.client?.id ?? '',
    userAgent: state.client?.userAgent ?? '',
    peer,
    since: new Date(since).toISOString(),
    protocol,
    inStep: state.isInStep,
    // Only who looks has them counted: after each change somebody asks whether it is in step.
    get types() {
      const asked = resourceTypes.filter((type) => state.channels[type].isAsked);
      return Object.fromEntries(asked.map((type) => [type, typeStatus(state.channels[type])]));
    },
    rejected: rejected.map(rejectedStatus),
  };
}

function typeStatus(channel: Channel): TypeStatus {
  const { subscription, confirmed } = channel;
  const { fresh, changed, absent, removed } = channel.pending();
  return {
    subscribed: subscription.isWildcard ? 'wildcard' : subscription.names.size,
    acked: { version: confirmed.version || null, count: confirmed.count },
    pending: fresh.length + changed.length + absent.length + removed.length,
  };
}

function rejectedStatus(rejection: Rejection): RejectedStatus {
  const { type, name, service, version, reason, since, hasEarlier } = rejection;
  return {
    type,
    resource: name,
    service,
    version,
    reason,
    since: new Date(since).toISOString(),
    serves: hasEarlier ? 'last good' : 'nothing',
  };
}
