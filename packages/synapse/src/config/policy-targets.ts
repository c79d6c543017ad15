import {
  circleThrough,
  type Leads,
  type MergedPolicy,
  type PolicyProblem,
  type Subset,
  subsetText,
} from '@smartstack/policy';

import { filtersOf, obstacleOf } from '../discovery/policies/label-filters.ts';
import { sectionOf } from '../proxies.ts';
import { type Policies, type PolicySurroundings, protocolOf, proxyOf } from './policy.ts';
import type { ServiceConfig, SynapseConfig } from './schema.ts';

/** What is wrong with where a service's routes lead: to no backend, to members that cannot be, or in a circle. */
export function targetProblems(
  name: string,
  { policy }: MergedPolicy,
  { config, policies }: PolicySurroundings,
): readonly PolicyProblem[] {
  const leads = leadsIn(policies);
  return (policy.routes ?? []).flatMap(({ to = [] }, index) =>
    to.flatMap(({ service = name, subset = {} }, target) => {
      const path = ['routes', index, 'to', target];
      const other = config.services[service];
      if (!other) return [];
      const circle = circleThrough(name, service, leads);
      const unserved = unservedText(name, service, config);
      const unknown = unknownText(service, other, subset);
      return [
        ...(unserved === undefined
          ? []
          : [{ path: [...path, 'service'], message: unserved } as const]),
        ...(circle
          ? [
              {
                path: [...path, 'service'],
                message: `leads in a circle: ${circle.join(' → ')}; let one of these routes lead to other members`,
              },
            ]
          : []),
        ...(unknown === undefined ? [] : [{ path: [...path, 'subset'], message: unknown }]),
      ];
    }),
  );
}

const leadsIn =
  (policies: Policies): Leads =>
  (service) =>
    (policies.get(service)?.policy.routes ?? []).flatMap(({ to = [] }) =>
      to.flatMap((target) => target.service ?? []),
    );

/** Why the proxy of a service cannot send its requests to another one. */
function unservedText(name: string, to: string, config: SynapseConfig): string | undefined {
  const [own, other] = [config.services[name], config.services[to]];
  if (to === name || !own || !other) return undefined;
  const { name: proxy, config: kind } = proxyOf(own, config);
  const section = sectionOf(other, proxy);
  if (section === undefined)
    return `services.${to} is not served by ${proxy}, as services.${name} is; give it \`proxy: ${proxy}\``;
  if (kind.isDisabled(section))
    return `services.${to} is disabled; enable it (${proxy}.disabled), or lead to another service`;
  if (other.load_test_concurrency !== undefined)
    return `services.${to} is followed as copies (load_test_concurrency), and not under its own name`;
  if (protocolOf(other, config) === 'tcp')
    return `services.${to} is tcp, and routes are of requests; give it \`protocol: http\``;
  return undefined;
}

/** Why no member of a service can be in a subset. */
function unknownText(
  name: string,
  { discovery, default_servers: servers }: ServiceConfig,
  subset: Subset,
): string | undefined {
  const filters = filtersOf(discovery).filter(({ label }) => Object.hasOwn(subset, label));
  const filter = obstacleOf({ host: '', port: 0, labels: subset }, filters);
  const isSpare = servers.some(({ labels = {} }) =>
    Object.entries(subset).every(([label, value]) => labels[label] === value),
  );
  if (!filter || isSpare) return undefined;
  const kept = `${filter.label} ${filter.condition} ${[filter.value].flat().join(', ')}`;
  return `unknown subset ${subsetText(subset)}: services.${name}.discovery keeps only members whose label ${kept}`;
}
