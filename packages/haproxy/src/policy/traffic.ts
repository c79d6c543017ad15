import type { Policy, Protocol } from '@smartstack/policy';

/**
 * What a policy makes of one backend, as plain data: the section of a service carries it, also in the file
 * that keeps what was good.
 */
export interface Traffic {
  /** The service as it is configured, of which this backend is a part. */
  readonly service: string;
  readonly protocol: Protocol;
  readonly policy: Policy;
  /** Its built-in words: the user's own `haproxy.defaults` lines count before them. */
  readonly builtIn: readonly string[];
  /** Whether it serves every member, since too many are ejected. */
  readonly isPanic: boolean;
  /** Where its frontend sends requests; absent of a backend alone. */
  readonly front?: Front;
  /** Routes of other services that lead here and have times of their own. */
  readonly visits?: readonly Visit[];
}

/** A route of another service, by what it is counted as. */
export interface Visit {
  readonly key: string;
  readonly timeouts: NonNullable<Policy['timeouts']>;
}

/** What a frontend chooses among. */
export interface Front {
  /** For each route of the policy that sends requests on; null for one that answers itself. */
  readonly routes: readonly (RouteTargets | null)[];
  /** For requests that no route matches. */
  readonly rest: readonly Candidate[];
  /** All backends of the service itself, whose requests its limits count. */
  readonly backends: readonly string[];
}

/** The targets of one route, and their parts of the traffic. */
export interface RouteTargets {
  readonly targets: readonly {
    readonly weight: number;
    readonly candidates: readonly Candidate[];
  }[];
  /** What is served where no target has a member that is up. */
  readonly fallback: readonly Candidate[];
}

/** A backend that is taken where it has a server that is up. */
export interface Candidate {
  readonly backend: string;
  /** The backend of all its members, ejected or not, which is taken where too many are. */
  readonly panic?: string;
  /** Below which share of members that is, from 0 to 1. */
  readonly below?: number;
}

export const isHttp = ({ protocol }: Pick<Traffic, 'protocol'>) => protocol !== 'tcp';
