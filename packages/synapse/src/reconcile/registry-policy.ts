import { isDeepStrictEqual } from 'node:util';

import type { Policy } from '@smartstack/policy';
import type { Service } from '@smartstack/proxy';

import type { Policies } from '../config/policy.ts';
import type { JudgePolicy, Policed } from '../config/policy-judge.ts';
import type { RegistryPolicy } from '../discovery/registry-policy.ts';

/** The policy in force for a service while its registry may say another one. */
export interface PolicyInForce {
  /** Hears what the registry says now; what cannot be used leaves the last good one in force. */
  use(said: RegistryPolicy | undefined): void;
  /** Judges what was refused anew, since other services' policies changed; whether it is in force now. */
  again(): boolean;
  current(): Policed;
  /** Judges all that the registry says by another configuration; what was good and is no more is out of force. */
  judgeBy(judge: JudgePolicy): void;
  /** Why what the registry says is not in force; empty where it is. */
  refused(): readonly string[];
}

export interface PolicyInForceOptions {
  readonly judge: JudgePolicy;
  /** What holds while the registry says nothing. */
  readonly configured: Policed;
  /** What the registry said under an earlier configuration; it is in force until the registry answers again. */
  readonly before: Policy | undefined;
  /** The policies in force for other services of which the registry says something. */
  others?(): Policies;
  /** Told each time that it says another policy that cannot be used. */
  onRefused(problems: readonly string[]): void;
}

export function createPolicyInForce(options: PolicyInForceOptions): PolicyInForce {
  const { configured, before, others, onRefused } = options;
  let { judge } = options;
  let current = policedBy(judge, before) ?? configured;
  let last: { readonly said: RegistryPolicy | undefined } | undefined;
  let refused: readonly string[] = [];

  function refuse(problems: readonly string[]): void {
    refused = problems;
    if (problems.length > 0) onRefused(problems);
  }

  const judged = (said: RegistryPolicy | undefined) => {
    if (!said) return { policed: configured };
    return 'problems' in said ? said : judge(said.policy, others?.());
  };

  function take(policed: Policed): void {
    refused = [];
    current = policed;
  }

  return {
    use: (said) => {
      if (last && isDeepStrictEqual(last.said, said)) return;
      last = { said };
      const result = judged(said);
      if ('problems' in result) refuse(result.problems);
      else take(result.policed);
    },
    again: () => {
      if (refused.length === 0) return false;
      const result = judged(last?.said);
      if ('policed' in result) take(result.policed);
      else refused = result.problems;
      return 'policed' in result;
    },
    judgeBy: (next) => {
      judge = next;
      const { registryPolicy } = current;
      if (registryPolicy && 'problems' in judge(registryPolicy, others?.())) current = configured;
      if (!last) return;
      const result = judged(last.said);
      if ('policed' in result) take(result.policed);
      else if (!isDeepStrictEqual(result.problems, refused)) refuse(result.problems);
    },
    current: () => current,
    refused: () => refused,
  };
}

/** What a policy of the registry makes of a service; undefined where there is none that can be used. */
export function policedBy(judge: JudgePolicy, registry: Policy | undefined): Policed | undefined {
  const judged = registry && judge(registry);
  return judged && 'policed' in judged ? judged.policed : undefined;
}

/** A service with another policy in force, as its registry says now; the same one where it is no other. */
export function withPolicy(service: Service, policed: Policed): Service {
  if (!service.stalePolicy && isDeepStrictEqual(service.policy, policed.policy)) return service;
  const { policy: _, protocol: __, registryPolicy: ___, stalePolicy: ____, ...rest } = service;
  return { ...rest, ...policed };
}

/** What of a service a policy makes. */
export function policedOf({ policy, protocol }: Service): Policed {
  return { ...(policy && { policy }), ...(protocol && { protocol }) };
}
