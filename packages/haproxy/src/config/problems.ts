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
    ...portProblems(top, services),
    ...localityProblems(services),
    ...routeProblems(services),
    ...[...services].flatMap(([name, service]) =>
      lineProblems(name, service, sectionOf(top)?.syslog),
    ),
  ];
}

function portProblems(top: HaproxyConfig | undefined, services: Services): readonly Problem[] {
  const taken = new Map<number, { readonly name: string; readonly address: string }[]>();
  return [...services].flatMap(([name, { own = {} }]): readonly Problem[] => {
    const { port, bind_address: bound, disabled } = own as Partial<HaproxyService>;
    if (port === undefined || port === null || disabled) return [];
    const address = bound ?? sectionOf(top)?.bind_address ?? 'localhost';
    const others = taken.get(port) ?? [];
    taken.set(port, [...others, { name, address }]);
    const other = others.find((each) => overlap(each.address, address));
    if (!other) return [];
    const message = `${port} on ${address} is taken by services.${other.name}`;
    return [[['services', name, 'haproxy', 'port'], message]];
  });
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

function overlap(a: string, b: string): boolean {
  const [first, second] = [normal(a), normal(b)];
  return first === second || first === '*' || second === '*';
}

function normal(address: string): string {
  if (['*', '0.0.0.0', '::', ''].includes(address)) return '*';
  return address === 'localhost' ? '127.0.0.1' : address;
}
