import { type Locality, levelsOf } from '@smartstack/policy';
import type { ProxyStatus, Service, Snapshot } from '@smartstack/proxy';
import { type Measured, together } from '@smartstack/proxy';
import type { Instance } from '@smartstack/registry';
import type { HaproxyService } from './config/config.ts';
import { ownOf, name as proxyName } from './config/section.ts';
import type { HaproxyDriver } from './driver.ts';

/** The name of a level further away, as a service and as a backend. */
export const spillName = (name: string, level: number): string =>
  level === 0 ? name : `${name}.spill${level}`;

/**
 * A driver that serves a service with a locality from one backend for each level. Its frontend takes the
 * nearest backend in which a server is up, which HAProxy alone decides.
 */
export function withLevels(driver: HaproxyDriver): HaproxyDriver {
  const levelled = createLevels();
  let levels: ReadonlyMap<string, number> = new Map();
  return {
    ...driver,
    prepare: async (snapshot, signal) => driver.prepare?.(levelled(snapshot), signal),
    apply: (snapshot, signal) => {
      levels = levelsIn(snapshot);
      return driver.apply(levelled(snapshot), signal);
    },
    status: () => gathered(driver.status(), levels),
    measure: async (signal) => gatheredMeasures(await driver.measure(signal), levels),
  };
}

/** How many levels each service with a locality has. */
function levelsIn(snapshot: Snapshot): ReadonlyMap<string, number> {
  const levels = new Map<string, number>();
  for (const { name, locality } of snapshot.values())
    if (locality) levels.set(name, locality.prefer.length + 1);
  return levels;
}

/**
 * A function from snapshots to snapshots in which each level is a service of its own. What did not change
 * since the last call is the same object again, and a snapshot without localities is itself.
 */
export function createLevels(): (snapshot: Snapshot) => Snapshot {
  const known = new WeakMap<Service, readonly Service[]>();
  const sections = new WeakMap<HaproxyService, readonly HaproxyService[]>();
  const lists = new Map<string, readonly Instance[]>();

  function sectionsOf(name: string, haproxy: HaproxyService, count: number) {
    const before = sections.get(haproxy);
    if (before?.length === count) return before;
    const made = Array.from({ length: count }, (_, level) =>
      sectionOf({ name, haproxy, count, level }),
    );
    sections.set(haproxy, made);
    return made;
  }

  /** The list before, if it has the same members. */
  function settled(key: string, list: readonly Instance[]): readonly Instance[] {
    const before = lists.get(key);
    if (before?.length === list.length && list.every((each, at) => each === before[at]))
      return before;
    lists.set(key, list);
    return list;
  }

  function servicesOf(service: Service, locality: Locality): readonly Service[] {
    const before = known.get(service);
    if (before) return before;
    const { name, instances, defaults, locality: _, ...rest } = service;
    const haproxy = ownOf(service);
    const members = instances && levelsOf(instances, locality);
    const standIns = levelsOf(defaults, locality);
    const made = standIns.map((standIn, level): Service => {
      const own = spillName(name, level);
      const section = haproxy && sectionsOf(name, haproxy, standIns.length)[level];
      return {
        ...rest,
        name: own,
        instances: members && settled(`members of ${own}`, members[level] ?? []),
        defaults: settled(`defaults of ${own}`, standIn),
        own: { ...rest.own, [proxyName]: section },
      };
    });
    known.set(service, made);
    return made;
  }

  return (snapshot) => {
    if (levelsIn(snapshot).size === 0) return snapshot;
    return new Map(
      [...snapshot.values()]
        .flatMap((service) =>
          service.locality ? servicesOf(service, service.locality) : [service],
        )
        .map((service) => [service.name, service]),
    );
  };
}

interface Level {
  readonly name: string;
  readonly haproxy: HaproxyService;
  readonly count: number;
  readonly level: number;
}

/** The nearest level has the frontend, which chooses; the others are backends alone. */
function sectionOf({ name, haproxy, count, level }: Level): HaproxyService {
  const backend = haproxy.backend_name ?? name;
  if (level > 0) {
    const { port: _, ...section } = haproxy;
    const backend_name = spillName(backend, level);
    return { ...section, backend_name, frontend: undefined, shared_frontend: undefined };
  }
  const rules = Array.from({ length: count }, (_, each) => spillName(backend, each)).map(
    (one) => `use_backend ${one} if { nbsrv(${one}) gt 0 }`,
  );
  return { ...haproxy, listen: [...(haproxy.listen ?? []), ...rules] };
}

/** A driver's status with the servers of every level under their service, each with its level. */
function gathered(status: ProxyStatus, levels: ReadonlyMap<string, number>): ProxyStatus {
  const { services } = status;
  if (!services || levels.size === 0) return status;
  const shown = { ...services };
  for (const [name, count] of levels) {
    const names = Array.from({ length: count }, (_, level) => spillName(name, level));
    const servers = names.flatMap((each, level) =>
      (shown[each]?.servers ?? []).map((server) => ({ ...server, level })),
    );
    for (const each of names.slice(1)) delete shown[each];
    if (Object.hasOwn(shown, name)) shown[name] = { ...shown[name], servers };
  }
  return { ...status, services: shown };
}

/** The measurements of all levels together, under their service. */
function gatheredMeasures(
  measured: ReadonlyMap<string, Measured>,
  levels: ReadonlyMap<string, number>,
): ReadonlyMap<string, Measured> {
  const all = new Map(measured);
  for (const [name, count] of levels) {
    const names = Array.from({ length: count }, (_, level) => spillName(name, level));
    const parts = names.flatMap((each) => measured.get(each) ?? []);
    for (const each of names) all.delete(each);
    if (parts.length > 0) all.set(name, together(parts));
  }
  return all;
}
