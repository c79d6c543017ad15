import { hash32 } from './hash.ts';

/** Ids of a backend's servers by name: what the proxy has, or is to get. */
export type Ids = ReadonlyMap<string, number>;

interface Named {
  readonly name: string;
  /** The id that its record asks for. */
  readonly wantedId?: number;
}

/**
 * Ids for servers: the one that a name already has, else the one that its record asks for, where that
 * is free, else a hash of the name (the same in file and runtime, and on every machine), probed upwards
 * past taken ones.
 */
export function assignIds(servers: readonly Named[], known: Ids, max: number): Ids {
  const fresh = servers.filter(({ name }) => !known.has(name));
  const wanted = grantedIds(fresh, known, max);
  const taken = new Set([...known.values(), ...wanted.values()]);
  const ids = new Map<string, number>();
  for (const { name } of servers) {
    const id = known.get(name) ?? wanted.get(name) ?? free(hashId(name, max), taken, max);
    taken.add(id);
    ids.set(name, id);
  }
  return ids;
}

/** The ids that records ask for and get: of two that ask for one id the first by name; none that is another's hash. */
function grantedIds(fresh: readonly Named[], known: Ids, max: number): Ids {
  const asking = fresh.filter(({ wantedId = 0 }) => wantedId >= 1 && wantedId <= max);
  if (asking.length === 0) return new Map();
  const askers = new Set(asking);
  const others = fresh.filter((server) => !askers.has(server));
  const taken = new Set([...known.values(), ...others.map(({ name }) => hashId(name, max))]);
  const granted = new Map<string, number>();
  for (const { name, wantedId = 0 } of asking.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (taken.has(wantedId)) continue;
    taken.add(wantedId);
    granted.set(name, wantedId);
  }
  return granted;
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
