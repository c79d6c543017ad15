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
  const changed: string[] = [];
  for (const name of after.keys()) {
    const [was, is] = [before.get(name), after.get(name)];
    if (was?.version !== is?.version || was?.audience !== is?.audience) changed.push(name);
  }
  for (const name of before.keys()) if (!after.has(name)) changed.push(name);
  return changed;
}
