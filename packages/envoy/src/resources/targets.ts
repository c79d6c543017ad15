import { isIn, type Policy, type Route, type Subset } from '@smartstack/policy';
import type { Service, Snapshot } from '@smartstack/proxy';

import { keyOf } from '../policy/hashing.ts';
import type { Targets } from '../policy/routes.ts';
import { clusterName } from './names.ts';
import { membersAt } from './served.ts';
import { weightOf } from './tiers.ts';

export interface TargetsInput {
  readonly service: Service;
  readonly policy: Policy;
  readonly snapshot: Snapshot;
  policyOf(service: string): Policy | undefined;
}

/** Where each route's requests go, and in the end those of no route. */
export function targetsOf(input: TargetsInput): readonly Targets[] {
  const own: Route = {};
  return [...(input.policy.routes ?? []), own].map((route) => targetsOfRoute(route, input));
}

/** A target without members has no part of the traffic while others have some: those with a weight, else the first without. */
function targetsOfRoute({ to }: Route, { service, snapshot, policyOf }: TargetsInput): Targets {
  const all = (to ?? [{ weight: 1, service: undefined, subset: undefined }]).map(
    ({ service: name = service.name, subset, weight }) => ({ name, subset, weight }),
  );
  const served = all.filter(({ name, subset }) => isServed(snapshot.get(name), subset));
  const hasWeight = served.some(({ weight }) => weight > 0);
  const some = served.length === 0 ? all : hasWeight ? served : served.slice(0, 1);
  const isNobody = some.every(({ weight }) => weight === 0);
  const keys = some.flatMap(({ name }) => keyOf(policyOf(name)?.balance) ?? []);
  return {
    clusters: some.map(({ name, subset, weight }) => ({
      name: clusterName(name, subset),
      weight: isNobody ? 1 : weight,
    })),
    keys: [...new Map(keys.map((key) => [JSON.stringify(key), key])).values()],
  };
}

/** Whether some of its members take requests; of a service whose members are not known that cannot be said. */
function isServed(service: Service | undefined, subset: Subset = {}): boolean {
  if (!service) return false;
  const members = membersAt(service);
  if (!members) return true;
  return members.some((instance) => weightOf(instance) > 0 && isIn(instance, subset));
}
