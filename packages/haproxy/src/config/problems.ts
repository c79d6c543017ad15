import type { ConfiguredService, Problem } from '@smartstack/proxy';

import { spillName } from '../backends/names.ts';
import type { HaproxyConfig, HaproxyService } from './config.ts';
import { sectionOf } from './section.ts';
import { isProxyName } from './values.ts';

type Services = ReadonlyMap<string, ConfiguredService<HaproxyService>>;

/** What is wrong with services' sections together: names and addresses that HAProxy cannot have twice, or at all. */
export function problems(top: HaproxyConfig | undefined, services: Services): readonly Problem[] {
  return [
    ...nameProblems(services),
    ...backendProblems(services),
    ...portProblems(top, services),
    ...localityProblems(services),
  ];
}

/** A frontend and a backend are called as their service is. */
function nameProblems(services: Services): readonly Problem[] {
  return [...services].flatMap(([name, { own }]): readonly Problem[] => {
    if (!own || own.disabled || isProxyName(name)) return [];
    if (own.port === undefined && own.backend_name !== undefined) return [];
    const fix =
      own.port === undefined ? 'rename it, or give it a haproxy.backend_name' : 'rename it';
    return [
      [
        ['services', name],
        `HAProxy cannot have this name, only letters, digits and ._:- in one; ${fix}`,
      ],
    ];
  });
}

/** Two services with one backend would be told each other's members: each is told of the other. */
function backendProblems(services: Services): readonly Problem[] {
  const owners = new Map<string, Set<string>>();
  for (const [name, { copies }] of services)
    for (const copy of copies) {
      if (!copy.own || copy.own.disabled) continue;
      const backend = copy.own.backend_name ?? copy.name;
      owners.set(backend, (owners.get(backend) ?? new Set()).add(name));
    }
  return [...owners].flatMap(([backend, names]) =>
    [...names].flatMap((name): readonly Problem[] => {
      const others = [...names].filter((other) => other !== name);
      if (others.length === 0) return [];
      const path = ['services', name];
      const isWritten = services.get(name)?.own?.backend_name !== undefined;
      const message = `its backend ${backend} is that of services.${others.join(', services.')} too; give one of them another haproxy.backend_name`;
      return [[isWritten ? [...path, 'haproxy', 'backend_name'] : path, message]];
    }),
  );
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
    if (objection !== undefined) return [[['services', name, 'locality', 'spill'], objection]];
    const taken = locality.prefer
      .map((_, level) => spillName(name, level + 1))
      .find((each) => services.has(each));
    if (taken === undefined) return [];
    return [[['services', taken], `is what ${name}'s locality names its members further away`]];
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
