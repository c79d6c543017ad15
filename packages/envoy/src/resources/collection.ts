import {
  type Resource,
  type ResourceSnapshot,
  type ResourceType,
  resourceTypes,
} from '../xds/resource.ts';

/** What is made of one service. */
export interface Part {
  /** All but its members. */
  readonly config: readonly Resource[];
  readonly endpoints: readonly Resource[];
}

type Parts = ReadonlyMap<string, Part>;

/**
 * A function from the parts of services, by name, to all of their resources. What did not change since the last call is
 * the same object again: the whole, or a type.
 */
export function createCollection(): (parts: Parts) => ResourceSnapshot {
  let known: Parts = new Map();
  let last: ResourceSnapshot | undefined;
  return (parts) => {
    const before = known;
    known = parts;
    const isSameSet =
      before.size === parts.size && [...parts.keys()].every((name) => before.has(name));
    const changed = (['config', 'endpoints'] as const).filter(
      (which) =>
        !isSameSet || [...parts].some(([name, one]) => before.get(name)?.[which] !== one[which]),
    );
    const all = changed.flatMap((which) => [...parts.values()].flatMap((part) => part[which]));
    const isChanged = (type: ResourceType) =>
      changed.includes(type === 'endpoints' ? 'endpoints' : 'config');
    const types = resourceTypes.map((type) => {
      const kept = last?.[type];
      return [type, kept && !isChanged(type) ? kept : sameOr(kept, listOf(type, all))] as const;
    });
    if (!last || types.some(([type, list]) => last?.[type] !== list))
      last = Object.fromEntries(types) as ResourceSnapshot;
    return last;
  };
}

type Named = ReadonlyMap<string, Resource>;

function listOf(type: ResourceType, all: readonly Resource[]): Named {
  const list = new Map<string, Resource>();
  for (const resource of all) if (resource.type === type) list.set(resource.name, resource);
  return list;
}

/** The list as it was, where it holds the same. */
function sameOr(before: Named | undefined, now: Named): Named {
  if (before?.size !== now.size) return now;
  for (const [name, resource] of now) if (before.get(name) !== resource) return now;
  return before;
}
