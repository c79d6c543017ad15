import { formatPath } from '@smartstack/daemon';
import type { Policy } from '@smartstack/policy';
import type { Service } from '@smartstack/proxy';

import { proxyProblems } from './conflicts.ts';
import {
  type Policies,
  type PolicySurroundings,
  policyOf,
  protocolOf,
  surroundingsOf,
} from './policy.ts';
import { problemsOf } from './policy-problems.ts';
import type { SynapseConfig } from './schema.ts';

/** What of a service is made of the policies that its files and its registry say. */
export type Policed = Pick<Service, 'policy' | 'protocol' | 'registryPolicy'>;

/**
 * What a policy of the registry makes of a service, or why it cannot be used; `inForce` are those of other services
 * by now, where they are others than the configuration alone says.
 */
export type JudgePolicy = (
  registry: Policy,
  inForce?: Policies,
) => { readonly policed: Policed } | { readonly problems: readonly string[] };

/** Judges policies of the registry by all that a configuration says. */
export function createPolicyJudge(config: SynapseConfig): (service: string) => JudgePolicy {
  let around: PolicySurroundings | undefined;
  return (name) => (registry, inForce) => {
    const service = config.services[name];
    const policy = service && policyOf(service, config, registry);
    if (!service || !policy) return { policed: {} };
    const protocol = protocolOf(service, config);
    around ??= surroundingsOf(config);
    const problems = [
      ...problemsOf(name, policy, inForce ? among(around, inForce) : around),
      ...proxyProblems(config, { service: name, policy }),
    ];
    if (problems.length === 0) return { policed: { policy, protocol, registryPolicy: registry } };
    return {
      problems: problems.map(([path, message]) => {
        const isOwn = path[0] === 'services' && path[1] === name;
        return `${formatPath(isOwn ? path.slice(2) : path)}: ${message}`;
      }),
    };
  };
}

/** With these policies in place of what the configuration alone says of their services. */
const among = (around: PolicySurroundings, inForce: Policies): PolicySurroundings => ({
  ...around,
  policies: new Map([...around.policies, ...inForce]),
});
