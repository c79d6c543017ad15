import { changed, type Instance, keyOf } from '@smartstack/registry';

import type { Discovery } from '../discovery.ts';

/** The discovery with this port for every member, whatever was discovered; untouched without one. */
export function withPort(discovery: Discovery, port: number | undefined): Discovery {
  if (port === undefined) return discovery;
  const moved = atPort(port);
  return async function* (signal) {
    for await (const instances of discovery(signal)) yield instances.map(moved);
  };
}

/** A member at this port; the same object again for the same member. */
export function atPort(port: number): (instance: Instance) => Instance {
  const known = new WeakMap<Instance, Instance>();
  return (instance) => {
    const moved = known.get(instance) ?? changed(instance, { port });
    known.set(instance, moved);
    return moved;
  };
}

/** A service's members at the port that the registry itself gives them, which may change at any time. */
export interface PortedMembers {
  /** Notes the newest list. */
  list(instances: readonly Instance[]): void;
  /** Notes the port; undefined for none. False where it is the one that was noted before. */
  moveTo(port: number | undefined): boolean;
  /** The newest list at that port; undefined before the first. */
  current(): readonly Instance[] | undefined;
}

/** Members at their own ports at first; `fixed` ones, the configured servers, always stay there. */
export function createPortedMembers(fixed: readonly Instance[]): PortedMembers {
  const stays = new Set(fixed);
  let newest: readonly Instance[] | undefined;
  let port: number | undefined;
  let moved = (instance: Instance) => instance;
  return {
    list: (instances) => {
      newest = instances;
    },
    moveTo: (next) => {
      if (next === port) return false;
      port = next;
      moved = next === undefined ? (instance) => instance : atPort(next);
      return true;
    },
    current: () => {
      if (port === undefined || newest === undefined) return newest;
      const all = newest.map((each) => (stays.has(each) ? each : moved(each)));
      return [...new Map(all.toReversed().map((each) => [keyOf(each), each])).values()].reverse();
    },
  };
}
