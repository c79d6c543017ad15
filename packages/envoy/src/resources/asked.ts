import { type Subset, subsetText } from '@smartstack/policy';
import type { Snapshot } from '@smartstack/proxy';

/** Which parts of each service's members routes ask for, its own ones and others'; the whole is always one. */
export function subsetsAsked(snapshot: Snapshot): ReadonlyMap<string, ReadonlyMap<string, Subset>> {
  const asked = new Map<string, Map<string, Subset>>();
  const ask = (service: string, subset: Subset = {}) => {
    const subsets = asked.get(service) ?? new Map<string, Subset>();
    asked.set(service, subsets.set(subsetText(subset), subset));
  };
  for (const { name, policy } of snapshot.values()) {
    const { routes } = policy?.policy ?? {};
    if (!routes?.length) continue;
    for (const { to = [], mirror } of routes) {
      for (const target of to) ask(target.service ?? name, target.subset);
      if (mirror) ask(mirror.to.service, mirror.to.subset);
    }
  }
  return asked;
}
