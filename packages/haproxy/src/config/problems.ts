import type { ConfiguredService, Problem } from '@smartstack/proxy';

import type { HaproxyConfig, HaproxyService } from './config.ts';
import { lineProblems } from './line-problems.ts';
import { nameProblems } from './name-problems.ts';
import { routeProblems } from './route-problems.ts';
import { sectionOf } from './section.ts';

type Services = ReadonlyMap<string, ConfiguredService<HaproxyService>>;

/** What is wrong with services' sections together: names and addresses that HAProxy cannot have twice, or at all. */
export function problems(top: HaproxyConfig | undefined, services: Services): readonly Problem[] {
  return [
    ...nameProblems(services),
    ...localityProblems(services),
    ...routeProblems(services),
    ...[...services].flatMap(([name, service]) =>
      lineProblems(name, service, sectionOf(top)?.syslog),
    ),
  ];
}

/** Only a frontend can choose among backends. */
function localityProblems(services: Services): readonly Problem[] {
  return [...services].flatMap(([name, { locality, own }]): readonly Problem[] => {
    if (locality?.spill !== 'down' || !own) return [];
    const objection = whyNoChoice(own);
    return objection === undefined ? [] : [[['services', name, 'locality', 'spill'], objection]];
  });
}

/** Why HAProxy cannot choose among the levels of a service with this section; undefined where it can. */
function whyNoChoice({ port, shared_frontend: shared }: HaproxyService): string | undefined {
  if (port === undefined)
    return 'down needs haproxy.port, for only a frontend of its own can choose; members<N does not';
  if (shared)
    return 'down chooses in a frontend of its own, not in a shared_frontend; members<N does for both';
  return undefined;
}
