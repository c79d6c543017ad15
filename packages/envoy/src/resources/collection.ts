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
    const changed = changedIn(before, parts);
    const isChanged = (type: ResourceType) =>
      changed.includes(type === 'endpoints' ? 'endpoints' : 'config');
    const types = resourceTypes.map((type) => {
      const kept = last?.[type];
      return [type, kept && !isChanged(type) ? kept : sameOr(kept, listOf(type, parts))] as const;
    });
    if (!last || types.some(([type, list]) => last?.[type] !== list))
      last = Object.fromEntries(types) as ResourceSnapshot;
    return last;
  };
}

type Named = ReadonlyMap<string, Resource>;

/** Which halves of services' parts are others than before; both where there are other services. */
function changedIn(before: Parts, now: Parts): readonly (keyof Part)[] {
  if (before.size !== now.size) return ['config', 'endpoints'];
  let [config, endpoints] = [false, false];
  for (const name of now.keys()) {
    const [last, next] = [before.get(name), now.get(name)];
    if (!last) return ['config', 'endpoints'];
    config ||= last.config !== next?.config;
    endpoints ||= last.endpoints !== next?.endpoints;
  }
  return [...(config ? (['config'] as const) : []), ...(endpoints ? (['endpoints'] as const) : [])];
}

function listOf(type: ResourceType, parts: Parts): Named {
  const list = new Map<string, Resource>();
  for (const part of parts.values())
    for (const resource of type === 'endpoints' ? part.endpoints : part.config)
      if (resource.type === type) list.set(resource.name, resource);
  return list;
}

/** The list as it was, where it holds the same. */
function sameOr(before: Named | undefined, now: Named): Named {
  if (before?.size !== now.size) return now;
  for (const name of now.keys()) if (before.get(name) !== now.get(name)) return now;
  return before;
}
