import type { Protocol } from '../words/policy.ts';

/** What is wrong with a word of a policy: where it stands, and what to do. */
export interface PolicyProblem {
  /** From the policy on, such as `['routes', 0, 'match']`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What a policy is checked against. */
export interface PolicyContext {
  readonly service: string;
  readonly protocol: Protocol;
  /** Every service that is followed here. */
  readonly services: ReadonlySet<string>;
  /** Those of them that have connections and no requests. */
  readonly tcp?: ReadonlySet<string>;
}
