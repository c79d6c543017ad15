import type { Resource, ResourceSnapshot, ResourceType } from '../resource.ts';

/** Names of what differs, by type. */
export type Changed = Readonly<Record<ResourceType, readonly string[]>>;

/** What differs between two snapshots: names by type. */
export function changedBetween(
  before: ResourceSnapshot | undefined,
  after: ResourceSnapshot,
): Changed {
  const of = (type: ResourceType) => changedNames(before?.[type] ?? new Map(), after[type]);
  return {
    cluster: of('cluster'),
    endpoints: of('endpoints'),
    listener: of('listener'),
    route: of('route'),
  };
}

function changedNames(
  before: ReadonlyMap<string, Resource>,
  after: ReadonlyMap<string, Resource>,
): readonly string[] {
  if (before === after) return [];
  const changed = [...after].filter(([name, resource]) => {
    const was = before.get(name);
    return was?.version !== resource.version || was.audience !== resource.audience;
  });
  const gone = [...before.keys()].filter((name) => !after.has(name));
  return [...changed.map(([name]) => name), ...gone];
}
