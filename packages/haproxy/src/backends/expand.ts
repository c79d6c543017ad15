import { isIn, levelOf, type Policy } from '@smartstack/policy';
import type { Service, Snapshot } from '@smartstack/proxy';
import type { Instance } from '@smartstack/registry';

import type { HaproxyService } from '../config/config.ts';
import { ownOf, name as proxyName } from '../config/section.ts';
import type { Front, Traffic, Visit } from '../policy/traffic.ts';
import { spillName } from './names.ts';
import {
  type BackendPlan,
  backendsOf,
  frontOf,
  type Group,
  groupsAsked,
  panicBelow,
} from './plan.ts';
import { visitsOf } from './visits.ts';

/** A snapshot in which each backend is a service of its own, and the plans that it was made by. */
export interface Expanded {
  readonly snapshot: Snapshot;
  /** The backends of each service that has more than one, by its name. */
  readonly plans: ReadonlyMap<string, readonly BackendPlan[]>;
}

/** The sections of a service's backends, and what they were made of. */
interface Made {
  readonly from: Pick<Service, 'own' | 'policy' | 'locality' | 'protocol'>;
  /** What it was made of in other services. */
  readonly others: string;
  readonly plans: readonly BackendPlan[];
  readonly sections: readonly HaproxyService[];
}

/** The backends of a service as services, and what they were made of. */
interface Served {
  readonly service: Service;
  readonly made: Made;
  readonly services: readonly Service[];
}

/**
 * A function from snapshots to snapshots in which each backend of a service is a service of its own: its levels
 * of locality, its subsets, and all of its members for when too many are ejected. What did not change since
 * the last call is the same object again, and a snapshot without any of these is itself.
 */
export function createExpansion(): (snapshot: Snapshot) => Expanded {
  let known: ReadonlyMap<string, Served> = new Map();

  function servedOf(service: Service, others: Others): Served {
    const before = known.get(service.name);
    const facts = factsOf(service, others);
    const isSame = before && isMadeOf(before.made, service, facts);
    if (isSame && before.service === service) return before;
    const made = isSame ? before.made : madeOf(service, others, facts);
    return { service, made, services: servicesOf(service, made, isSame ? before.services : []) };
  }

  return (snapshot) => {
    const asked = groupsAsked(snapshot);
    const visits = visitsOf(snapshot);
    const isPlain = ({ name, locality, policy }: Service) =>
      !locality && !policy && !asked.has(name);
    const served = new Map<string, Served>();
    for (const service of snapshot.values())
      if (ownOf(service) && !isPlain(service))
        served.set(
          service.name,
          servedOf(service, {
            snapshot,
            asked: asked.get(service.name) ?? [],
            visits: visits.get(service.name) ?? [],
          }),
        );
    known = served;
    if (served.size === 0) return { snapshot, plans: new Map() };
    const services = [...snapshot.values()].flatMap(
      (service) => served.get(service.name)?.services ?? [service],
    );
    const several = [...served].filter(([, { made }]) => made.plans.length > 1);
    return {
      snapshot: new Map(services.map((service) => [service.name, service])),
      plans: new Map(several.map(([name, { made }]) => [name, made.plans])),
    };
  };
}

function isMadeOf({ from, others }: Made, service: Service, now: string): boolean {
  return (
    from.own === service.own &&
    from.policy === service.policy &&
    from.locality === service.locality &&
    from.protocol === service.protocol &&
    others === now
  );
}

/** What other services ask of one, and all of them. */
interface Others {
  readonly snapshot: Snapshot;
  readonly asked: readonly Group[];
  readonly visits: readonly Visit[];
}

/** What of other services decides what is made of one. */
function factsOf(service: Service, { snapshot, asked, visits }: Others): string {
  const targets = (service.policy?.policy.routes ?? []).flatMap(({ to = [] }) =>
    to.flatMap((target) => snapshot.get(target.service ?? '') ?? []),
  );
  if (targets.length + asked.length + visits.length === 0) return '';
  const facts = targets.map((other) => {
    const { backend_name: backend, disabled } = ownOf(other) ?? {};
    return [
      other.name,
      backend,
      disabled,
      other.locality?.prefer,
      panicBelow(other.policy?.policy),
    ];
  });
  return JSON.stringify([asked, visits, facts]);
}

function madeOf(service: Service, { snapshot, asked, visits }: Others, others: string): Made {
  const plans = backendsOf(service, asked);
  const sections = plans.map((plan, index) =>
    index === 0
      ? firstSection(service, { plan, visits, front: frontOf(service, plans, snapshot) })
      : furtherSection(service, { plan, visits }),
  );
  return { from: service, others, plans, sections };
}

/** The backends as services, with the same lists again where these hold the same members. */
function servicesOf(
  service: Service,
  { plans, sections }: Made,
  before: readonly Service[],
): readonly Service[] {
  const { instances, defaults, locality: _, ...rest } = service;
  return plans.map((plan, index): Service => {
    const served = (list: readonly Instance[], last: readonly Instance[] | undefined) =>
      sameOr(
        last,
        list.filter((member) => isServed(member, plan, service)),
      );
    return {
      ...rest,
      name: plan.name,
      instances: instances && served(instances, before[index]?.instances),
      defaults: served(defaults, before[index]?.defaults),
      own: { ...rest.own, [proxyName]: sections[index] },
    };
  });
}

/** The list as it was, where it holds the same members. */
function sameOr(
  before: readonly Instance[] | undefined,
  list: readonly Instance[],
): readonly Instance[] {
  const isSame = before?.length === list.length && list.every((each, at) => each === before[at]);
  return before && isSame ? before : list;
}

/** Whether a backend serves a member. */
function isServed(
  member: Instance,
  { subset, level }: BackendPlan,
  { locality }: Service,
): boolean {
  return isIn(member, subset) && (!locality || levelOf(member, locality) === level);
}

/** The first backend has the frontend, which chooses. */
function firstSection(
  service: Service,
  { front, ...of }: Backend & { readonly front: Front },
): HaproxyService {
  const own = ownOf(service) as HaproxyService;
  if (!service.policy) return withLevels(own, service);
  const traffic = trafficOf(service, of);
  return { ...own, traffic: own.port === undefined ? traffic : { ...traffic, front } };
}

/** The others are backends alone. */
function furtherSection(service: Service, of: Backend): HaproxyService {
  const { port: _, ...section } = ownOf(service) as HaproxyService;
  const own = {
    ...section,
    backend_name: of.plan.backend,
    frontend: undefined,
    shared_frontend: undefined,
  };
  return service.policy ? { ...own, traffic: trafficOf(service, of) } : own;
}

/** One backend, and whose requests come to it. */
interface Backend {
  readonly plan: BackendPlan;
  readonly visits: readonly Visit[];
}

function trafficOf(
  { name, protocol = 'tcp', policy }: Service,
  { plan, visits }: Backend,
): Traffic {
  const { policy: words = {}, origins = new Map<string, string>() } = policy ?? {};
  const { retries, isPanic } = plan;
  return {
    service: name,
    protocol,
    policy: retries ? { ...words, retries: { ...words.retries, ...retries } } : words,
    builtIn: builtInWords(words, origins),
    isPanic,
    ...(visits.length > 0 && { visits }),
  };
}

/** The words that are built in; how long a member may take is one of them where it follows from another. */
function builtInWords(
  { timeouts = {} }: Policy,
  origins: ReadonlyMap<string, string>,
): readonly string[] {
  const words = [...origins].flatMap(([word, origin]) => (origin === 'built-in' ? [word] : []));
  const isImplied = timeouts.per_try === undefined && timeouts.request === undefined;
  return isImplied && words.includes('timeouts.idle') ? [...words, 'timeouts.per_try'] : words;
}

/** Without a policy, lines choose the nearest level that has a server that is up. */
function withLevels(section: HaproxyService, { name, locality }: Service): HaproxyService {
  if (!locality) return section;
  const backend = section.backend_name ?? name;
  const rules = [...locality.prefer, undefined]
    .map((_, level) => spillName(backend, level))
    .map((one) => `use_backend ${one} if { nbsrv(${one}) gt 0 }`);
  return { ...section, listen: [...(section.listen ?? []), ...rules] };
}
