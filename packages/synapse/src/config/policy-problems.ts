import {
  type MergedPolicy,
  originOf,
  type PolicyProblem,
  policyProblems,
  unsupported,
} from '@smartstack/policy';
import type { Problem } from '@smartstack/proxy';

import { allProxies } from '../proxies.ts';
import {
  gapsFor,
  type PolicySurroundings,
  protocolOf,
  proxyOf,
  surroundingsOf,
  writtenPolicyOf,
} from './policy.ts';
import { targetProblems } from './policy-targets.ts';
import type { ServiceConfig, SynapseConfig } from './schema.ts';

/** What is wrong with services' policies, each at the place of the word that says it. */
export function policyConflicts(config: SynapseConfig): readonly Problem[] {
  const around = surroundingsOf(config);
  return distinct(
    [...around.policies].flatMap(([name, merged]) => problemsOf(name, merged, around)),
  );
}

/** What is wrong with one service's policy, among the others. */
export function problemsOf(
  name: string,
  merged: MergedPolicy,
  around: PolicySurroundings,
): readonly Problem[] {
  const { config, names } = around;
  const service = config.services[name];
  if (!service) return [];
  const protocol = protocolOf(service, config);
  return [
    ...policyProblems(merged.policy, { service: name, protocol, services: names }),
    ...(config.policy_unsupported === 'warn' ? [] : gapsOf(service, config, merged)),
    ...targetProblems(name, merged, around),
  ].map((problem) => placed(name, merged, problem));
}

/** The same of words that a proxy cannot do, where these are to be warnings. */
export function policyWarnings(config: SynapseConfig): readonly Problem[] {
  if (config.policy_unsupported !== 'warn') return [];
  return distinct(
    Object.entries(config.services).flatMap(([name, service]) => {
      const merged = writtenPolicyOf(service, config);
      if (!merged) return [];
      return gapsOf(service, config, merged).map((problem) => placed(name, merged, problem));
    }),
  );
}

/** What the proxy of a service cannot do of its policy; what is built in nobody asked for, and it is left out there. */
export function gapsOf(
  service: ServiceConfig,
  config: SynapseConfig,
  merged: MergedPolicy,
): readonly PolicyProblem[] {
  const all = allProxies.map((proxy) => gapsFor(proxy, config));
  return unsupported(merged.policy, gapsFor(proxyOf(service, config), config), all).filter(
    ({ path }) => originOf(merged, path) !== 'built-in',
  );
}

/** Where the word stands that a problem is of: in the service's policy, or in the defaults'. */
function placed(service: string, merged: MergedPolicy, { path, message }: PolicyProblem): Problem {
  const start = originOf(merged, path) === 'defaults' ? ['defaults'] : ['services', service];
  return [[...start, 'policy', ...path], message];
}

/** Each problem once: one of the defaults is one of every service. */
function distinct(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((each) => [JSON.stringify(each), each])).values()];
}
