import { isDeepStrictEqual } from 'node:util';

import type { Policy } from '@smartstack/policy';
import type { Service } from '@smartstack/proxy';

import type { JudgePolicy, Policed } from '../config/policy-judge.ts';
import type { RegistryPolicy } from '../discovery/registry-policy.ts';

/** The policy in force for a service while its registry may say another one. */
export interface PolicyInForce {
  /** Hears what the registry says now; what cannot be used leaves the last good one in force. */
  use(said: RegistryPolicy | undefined): void;
  current(): Policed;
  /** Why what the registry says is not in force; empty where it is. */
  refused(): readonly string[];
}

export interface PolicyInForceOptions {
  readonly judge: JudgePolicy;
  /** What holds while the registry says nothing. */
  readonly configured: Policed;
  /** What the registry said under an earlier configuration; it is in force until the registry answers again. */
  readonly before: Policy | undefined;
  /** Told each time that it says another policy that cannot be used. */
  onRefused(problems: readonly string[]): void;
}

export function createPolicyInForce(options: PolicyInForceOptions): PolicyInForce {
  const { judge, configured, before, onRefused } = options;
  let current = policedBy(judge, before) ?? configured;
  let last: { readonly said: RegistryPolicy | undefined } | undefined;
  let refused: readonly string[] = [];

  function refuse(problems: readonly string[]): void {
    refused = problems;
    if (problems.length > 0) onRefused(problems);
  }

  return {
    use: (said) => {
      if (last && isDeepStrictEqual(last.said, said)) return;
      last = { said };
      if (said && 'problems' in said) return refuse(said.problems);
      const judged = said ? judge(said.policy) : { policed: configured };
      if ('problems' in judged) return refuse(judged.problems);
      refused = [];
      current = judged.policed;
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

/** A service with another policy in force; the same one where it is no other. */
export function withPolicy(service: Service, policed: Policed): Service {
  if (isDeepStrictEqual(service.policy, policed.policy)) return service;
  const { policy: _, protocol: __, registryPolicy: ___, ...rest } = service;
  return { ...rest, ...policed };
}

/** What of a service a policy makes. */
export function policedOf({ policy, protocol }: Service): Policed {
  return { ...(policy && { policy }), ...(protocol && { protocol }) };
}
