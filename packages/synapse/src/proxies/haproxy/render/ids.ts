import { hash32 } from './hash.ts';

/** Ids of a backend's servers by name: what the proxy has, or is to get. */
export type Ids = ReadonlyMap<string, number>;

/**
 * Ids for servers: the one that a name already has, else a wanted one that is free, else a hash of
 * the name (the same in file and runtime, and on every machine), probed upwards past taken ones.
 */
export function assignIds(
  servers: readonly { readonly name: string; readonly wantedId?: number }[],
  known: Ids,
  max: number,
): Ids {
  const taken = new Set(known.values());
  const ids = new Map<string, number>();
  for (const { name, wantedId } of servers) {
    const id = known.get(name) ?? free(wantedId ?? hashId(name, max), taken, max);
    taken.add(id);
    ids.set(name, id);
  }
  return ids;
}

function free(wanted: number, taken: ReadonlySet<number>, max: number): number {
  let id = wanted;
  for (let tries = 0; tries < max && taken.has(id); tries++) id = (id % max) + 1;
  return id;
}

/** A whole number from 1 to `max`, at most 28 bits. */
function hashId(name: string, max: number): number {
  return ((hash32(name) >>> 4) % max) + 1;
}
