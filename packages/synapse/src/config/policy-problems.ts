import {
  type MergedPolicy,
  type PolicyProblem,
  policyProblems,
  unsupported,
} from '@smartstack/policy';
import type { Problem } from '@smartstack/proxy';

import { allProxies, sectionOf } from '../proxies.ts';
import { policyOf, protocolOf, proxyOf } from './policy.ts';
import type { ServiceConfig, SynapseConfig } from './schema.ts';

/** Keys that a service and the section of its proxy both have, with other values. */
export function neutralProblems(config: SynapseConfig): readonly Problem[] {
  return Object.entries(config.services).flatMap(([name, service]) => {
    const { name: proxy, config: kind } = proxyOf(service, config);
    const own = sectionOf(service, proxy) as Readonly<Record<string, unknown>> | undefined;
    const problems = (['port', 'bind_address'] as const).flatMap((key): readonly Problem[] => {
      const [neutral, raw] = [service[key], own?.[key]];
      if (neutral === undefined || raw === undefined || neutral === raw) return [];
      return [
        [
          ['services', name, key],
          `is ${neutral} here and ${raw} at services.${name}.${proxy}.${key}; keep one of them`,
        ],
      ];
    });
    const said = kind.protocolOf(own, sectionOf(config, proxy), 'own');
    const isTcp = service.protocol === 'tcp';
    if (service.protocol === undefined || said === undefined || (said === 'tcp') === isTcp)
      return problems;
    const message = `is ${service.protocol}, and the lines of services.${name}.${proxy} say mode ${said}; keep one of them`;
    return [...problems, [['services', name, 'protocol'], message] as const];
  });
}

/** What is wrong with services' policies, each at the place of the word that says it. */
export function policyConflicts(config: SynapseConfig): readonly Problem[] {
  const names = new Set(Object.keys(config.services));
  const tcp = new Set(
    [...names].filter(
      (name) => protocolOf(config.services[name] as ServiceConfig, config) === 'tcp',
    ),
  );
  return distinct(
    Object.entries(config.services).flatMap(([name, service]) => {
      const merged = policyOf(service, config);
      if (!merged) return [];
      const protocol = protocolOf(service, config);
      const found = policyProblems(merged.policy, {
        service: name,
        protocol,
        services: names,
        tcp,
      });
      const gaps = config.policy_unsupported === 'warn' ? [] : gapsOf(service, config, merged);
      return [...found, ...gaps].map((problem) => placed(name, merged, problem));
    }),
  );
}

/** The same of words that a proxy cannot do, where these are to be warnings. */
export function policyWarnings(config: SynapseConfig): readonly Problem[] {
  if (config.policy_unsupported !== 'warn') return [];
  return distinct(
    Object.entries(config.services).flatMap(([name, service]) => {
      const merged = policyOf(service, config);
      if (!merged) return [];
      return gapsOf(service, config, merged).map((problem) => placed(name, merged, problem));
    }),
  );
}

function gapsOf(service: ServiceConfig, config: SynapseConfig, merged: MergedPolicy) {
  const { name } = proxyOf(service, config);
  const all = allProxies.map((proxy) => ({ proxy: proxy.name, gaps: proxy.config.gaps }));
  const own = all.find(({ proxy }) => proxy === name);
  return own ? unsupported(merged.policy, own, all) : [];
}

/** Where the word stands that a problem is of: in the service's policy, or in the defaults'. */
function placed(
  service: string,
  { origins }: MergedPolicy,
  { path, message }: PolicyProblem,
): Problem {
  const names = path.map(String);
  const origin = names
    .map((_, index) => origins.get(names.slice(0, names.length - index).join('.')))
    .find((each) => each !== undefined);
  const start = origin === 'defaults' ? ['defaults'] : ['services', service];
  return [[...start, 'policy', ...path], message];
}

/** Each problem once: one of the defaults is one of every service. */
function distinct(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((each) => [JSON.stringify(each), each])).values()];
}
