import { type Policy, routeNames, subsetText } from '@smartstack/policy';
import type { ConfiguredService, Problem, Service } from '@smartstack/proxy';

import { type BackendPlan, backendsOf, groupsAsked } from '../backends/plan.ts';
import { limitTable, trafficTable } from '../policy/tables.ts';
import type { HaproxyService } from './config.ts';
import { name as proxyName } from './section.ts';
import { isProxyName } from './values.ts';

type Services = ReadonlyMap<string, ConfiguredService<HaproxyService>>;

/** What is wrong with names: those that HAProxy cannot have, or would have twice. */
export function nameProblems(services: Services): readonly Problem[] {
  return [...unfitProblems(services), ...backendProblems(services), ...madeProblems(services)];
}

/** A frontend and a backend are called as their service is. */
function unfitProblems(services: Services): readonly Problem[] {
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
      const message = `its backend ${backend} is that of services.${others.join(', services.')} too; give one of them another haproxy.backend_name`;
      return [[placeOf(name, services), message]];
    }),
  );
}

/** Where it is said what a service's backend is called. */
function placeOf(name: string, services: Services): readonly string[] {
  const isWritten = services.get(name)?.own?.backend_name !== undefined;
  return ['services', name, ...(isWritten ? ['haproxy', 'backend_name'] : [])];
}

/** A section that synapse makes of a service's locality, its routes or those that lead to it. */
interface MadeName {
  readonly name: string;
  /** The service that it is made of, as it is configured; undefined of one for all. */
  readonly owner: string | undefined;
  readonly by: 'locality' | 'policy';
  /** What it is, to end a sentence. */
  readonly what: string;
}

/** Names that synapse makes must not be those of services. */
function madeProblems(services: Services): readonly Problem[] {
  const made = madeOf(services);
  if (made.length === 0) return [];
  const taken = takenBy(services);
  const seen = new Map<string, MadeName>();
  return made.flatMap((one): readonly Problem[] => {
    const holder = taken.get(one.name);
    if (holder !== undefined) return [[placeOf(holder, services), `is what ${one.what}`]];
    const before = seen.get(one.name);
    seen.set(one.name, one);
    // Of two such groups of members all further backends have one name, too.
    if (!before || one.owner === undefined || before.what === one.what) return [];
    const message = `two sections of HAProxy would be called ${one.name}: ${one.name} is what ${before.what}, and what ${one.what}; give the route, or the label, another name`;
    return [[['services', one.owner, one.by], message]];
  });
}

/** The services by their names, those of their copies and of their backends. */
function takenBy(services: Services): ReadonlyMap<string, string> {
  return new Map(
    [...services].flatMap(([name, { copies }]) => [
      [name, name] as const,
      ...copies.flatMap(({ name: copy, own }) =>
        own && !own.disabled
          ? [copy, own.backend_name ?? copy].map((each) => [each, name] as const)
          : [],
      ),
    ]),
  );
}

function madeOf(services: Services): readonly MadeName[] {
  const parts = [...services].flatMap(([owner, each]) =>
    each.copies.flatMap(({ name, own }) =>
      own && !own.disabled ? [{ owner, service: serviceOf(name, own, each) }] : [],
    ),
  );
  const isAnyPoliced = parts.some(({ service }) => service.policy);
  const asked = groupsAsked(new Map(parts.map(({ service }) => [service.name, service])));
  const made = parts.flatMap(({ owner, service }) => {
    if (!service.locality && !service.policy && !asked.has(service.name)) return [];
    const [, ...plans] = backendsOf(service, asked.get(service.name) ?? []);
    return [
      ...plans.flatMap((plan) =>
        [...new Set([plan.name, plan.backend])].map((name) => madeName(name, owner, plan)),
      ),
      ...limitNames(owner, service),
    ];
  });
  if (!isAnyPoliced) return made;
  const counted = 'synapse names the table that it counts traffic in';
  return [...made, { name: trafficTable, owner: undefined, by: 'policy', what: counted }];
}

function serviceOf(
  name: string,
  own: HaproxyService,
  { locality, policy, protocol }: ConfiguredService<HaproxyService>,
): Service {
  return {
    name,
    instances: undefined,
    defaults: [],
    own: { [proxyName]: own },
    origin: '',
    protocol,
    ...(policy && { policy }),
    ...(locality?.spill === 'down' && { locality }),
  };
}

function madeName(
  name: string,
  owner: string,
  { subset, level, isPanic, retries }: BackendPlan,
): MadeName {
  if (level > 0)
    return {
      name,
      owner,
      by: 'locality',
      what: `${owner}'s locality names its members further away`,
    };
  const by = 'policy';
  if (isPanic)
    return {
      name,
      owner,
      by,
      what: `${owner}'s policy names its members where too many are ejected`,
    };
  if (retries)
    return {
      name,
      owner,
      by,
      what: `${owner}'s policy names the members of a route with retries of its own`,
    };
  return { name, owner, by, what: `routes name ${owner}'s members with ${subsetText(subset)}` };
}

function limitNames(owner: string, { name, policy, own }: Service): readonly MadeName[] {
  const { port } = (own?.[proxyName] ?? {}) as Partial<HaproxyService>;
  const { routes = [] }: Policy = policy?.policy ?? {};
  if (port === undefined) return [];
  const names = routeNames(routes);
  return routes.flatMap(({ rate_limit: limit }, index) =>
    limit
      ? [
          {
            name: limitTable(name, names[index] ?? ''),
            owner,
            by: 'policy' as const,
            what: `${owner}'s policy names the table of a rate limit`,
          },
        ]
      : [],
  );
}
