import { type Policy, routeNames, type Subset, subsetText } from '@smartstack/policy';
import type { Service, Snapshot } from '@smartstack/proxy';

import type { HaproxyService } from '../config/config.ts';
import { ownOf } from '../config/section.ts';
import type { Candidate, Front, RouteTargets } from '../policy/traffic.ts';
import { panicName, spillName, subsetName, variantName } from './names.ts';

/** One backend of a service: which of its members it serves, and how. */
export interface BackendPlan {
  /** Its name as a service of HAProxy; the service's own of the first. */
  readonly name: string;
  readonly backend: string;
  readonly subset: Subset;
  readonly level: number;
  readonly isPanic: boolean;
  /** What its route says of retries, where it says something. */
  readonly retries?: Policy['retries'];
}

/** The members of a service that go together: a subset of them, tried in one way. */
export interface Group {
  readonly subset: Subset;
  /** The route that tries them in a way of its own. */
  readonly variant?: string;
  readonly retries?: Policy['retries'];
}

const everybody: Group = { subset: {} };

/** The backends of a service, its own first. `asked` are the groups that other services send requests to. */
export function backendsOf(service: Service, asked: readonly Group[]): readonly BackendPlan[] {
  const own = ownOf(service);
  const groups = distinct([everybody, ...asked, ...ownGroups(service)]);
  const levels = service.locality ? service.locality.prefer.length + 1 : 1;
  const isGuarded = panicBelow(service.policy?.policy) !== undefined;
  return groups.flatMap((group) =>
    Array.from({ length: levels }, (_, level) => level).flatMap((level) => {
      const plan = (isPanic: boolean): BackendPlan => ({
        name: nameOf(service.name, group, { level, isPanic }),
        backend: nameOf(own?.backend_name ?? service.name, group, { level, isPanic }),
        subset: group.subset,
        level,
        isPanic,
        ...(group.retries && { retries: group.retries }),
      });
      return isGuarded ? [plan(false), plan(true)] : [plan(false)];
    }),
  );
}

function nameOf(
  name: string,
  { subset, variant }: Group,
  { level, isPanic }: { readonly level: number; readonly isPanic: boolean },
): string {
  const grouped = subsetName(name, subset);
  const levelled = spillName(
    variant === undefined ? grouped : variantName(grouped, variant),
    level,
  );
  return isPanic ? panicName(levelled) : levelled;
}

/** The groups that a service's own routes send requests to. */
function ownGroups({ name, policy }: Service): readonly Group[] {
  const routes = policy?.policy.routes ?? [];
  const names = routeNames(routes);
  return routes.flatMap((route, index) =>
    (route.to ?? [{}]).flatMap(
      (target: { service?: string | undefined; subset?: Subset | undefined }) =>
        (target.service ?? name) === name
          ? [groupOf(target.subset, route.retries, names[index])]
          : [],
    ),
  );
}

function groupOf(subset: Subset | undefined = {}, retries: Policy['retries'], variant = ''): Group {
  return retries ? { subset, variant, retries } : { subset };
}

function distinct(groups: readonly Group[]): readonly Group[] {
  return [
    ...new Map(
      groups.map((each) => [`${subsetText(each.subset)} ${each.variant ?? ''}`, each]),
    ).values(),
  ];
}

/** Below which share of members that are not ejected all of them are served; undefined where never. */
export function panicBelow(policy: Policy | undefined): number | undefined {
  const { outlier_ejection: ejection, panic } = policy ?? {};
  if (!ejection) return undefined;
  const below = Math.max(panic ?? 0, ejection.max_share === undefined ? 0 : 1 - ejection.max_share);
  return below > 0 ? below : undefined;
}

/** The groups of each service's members that others' routes send requests to. */
export function groupsAsked(snapshot: Snapshot): ReadonlyMap<string, readonly Group[]> {
  const asked = new Map<string, Group[]>();
  for (const { name, policy } of snapshot.values()) {
    const { routes } = policy?.policy ?? {};
    if (!routes?.length) continue;
    const names = routeNames(routes);
    for (const [index, { to = [], retries }] of routes.entries())
      for (const { service, subset } of to) {
        if (service === undefined || service === name || !(subset || retries)) continue;
        const group = groupOf(subset, retries, foreign(name, names[index]));
        asked.set(service, [...(asked.get(service) ?? []), group]);
      }
  }
  return new Map([...asked].map(([name, groups]) => [name, distinct(groups)]));
}

/** What another service's route is called here, as none of its own can be. */
const foreign = (service: string, route = '') => `${service}:${route}`;

/** Where a service's frontend sends requests; undefined where it has none, or nothing to choose. */
export function frontOf(
  service: Service,
  plans: readonly BackendPlan[],
  snapshot: Snapshot,
): Front {
  const routes = service.policy?.policy.routes ?? [];
  const names = routeNames(routes);
  return {
    backends: plans.map(({ backend }) => backend),
    rest: candidates(service, everybody),
    routes: routes.map((route, index): RouteTargets | null => {
      if (route.respond || route.redirect) return null;
      const to = route.to ?? [{ weight: 1, service: undefined, subset: undefined }];
      const targets = to.map(({ weight, service: name, subset }) => {
        const other = name === undefined || name === service.name ? service : snapshot.get(name);
        const own = names[index];
        const variant = other === service ? own : foreign(service.name, own);
        const group = groupOf(subset, route.retries, variant);
        return { weight, other, subset, candidates: other ? candidates(other, group) : [] };
      });
      return {
        targets: targets.map(({ weight, candidates }) => ({ weight, candidates })),
        fallback: targets.flatMap(({ other, subset }) =>
          other && subset ? candidates(other, everybody) : [],
        ),
      };
    }),
  };
}

/** The backends of a group, from the nearest level on. */
function candidates(service: Service, group: Group): readonly Candidate[] {
  const own: HaproxyService | undefined = ownOf(service);
  if (!own || own.disabled) return [];
  const name = own.backend_name ?? service.name;
  const levels = service.locality ? service.locality.prefer.length + 1 : 1;
  const below = panicBelow(service.policy?.policy);
  return Array.from({ length: levels }, (_, level) => ({
    backend: nameOf(name, group, { level, isPanic: false }),
    ...(below !== undefined && { panic: nameOf(name, group, { level, isPanic: true }), below }),
  }));
}
