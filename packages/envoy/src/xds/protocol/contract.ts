import type { Resource, ResourceType } from '../resource.ts';
import type { Names, Protocol } from './request.ts';
import type { Subscription } from './subscription.ts';

/** What a client has, and is still to be sent, of one type on one stream. */
export interface Channel {
  readonly subscription: Subscription;
  /** Whether the client ever asked for this type. */
  readonly isAsked: boolean;
  /** What is sent and not answered yet. */
  readonly inFlight: ReadonlyMap<string, Resource | undefined> | undefined;
  readonly rejected: ReadonlyMap<string, Rejection>;
  /** The version that the client confirmed last, and how many resources it has. */
  readonly confirmed: { readonly version: string; readonly count: number };
  /** How many names are kept for the client. */
  readonly size: number;
  /** Whether the client has this resource, in any version, or knows that there is none. */
  has(name: string): boolean;
  /** Whether the client surely has this resource, in whatever version. */
  holds(name: string): boolean;
  /** Other resources are served; `changed` has the names of those that differ. */
  serve(resources: ReadonlyMap<string, Resource>, changed: Iterable<string>): void;
  ask(names: Names): void;
  /** Sends a resource again, if the client asks for it by name. */
  repeat(name: string): void;
  /** What there is to send, by kind. */
  pending(): Pending;
  /** What is to be sent next, of what may be; it then is in flight under this nonce. */
  draft(nonce: string, may: Permission): Draft | undefined;
  /** The client took what is in flight: returns that, or undefined where nothing was under this nonce. */
  accept(nonce: string): ReadonlyMap<string, Resource | undefined> | undefined;
  /** The client refused it: what it blames for sure; undefined where nothing was in flight under this nonce. */
  refuse(nonce: string, reason: string, now: number): readonly Rejection[] | undefined;
}

/** One resource that a client refused; what it had before stays in force there. */
export interface Rejection {
  readonly type: ResourceType;
  /** Empty where the client did not say, and it could not be found out. */
  readonly name: string;
  readonly version: string;
  readonly service: string;
  readonly reason: string;
  readonly since: number;
  /** Whether the client goes on with an earlier version of it. */
  readonly hasEarlier: boolean;
}

export interface Pending {
  /** Resources that the client does not have in any version. */
  readonly fresh: readonly string[];
  readonly changed: readonly string[];
  /** Names to say of that they do not exist. */
  readonly absent: readonly string[];
  readonly removed: readonly string[];
  /** Whether a response is due even if it says nothing. */
  readonly owes: boolean;
}

export interface Permission {
  readonly additions: boolean;
  readonly removals: boolean;
}

export interface Draft {
  readonly version: string;
  readonly resources: readonly Resource[];
  readonly removed: readonly string[];
}

export interface ChannelOptions {
  readonly type: ResourceType;
  readonly protocol: Protocol;
  readonly responseBytes: number;
}
