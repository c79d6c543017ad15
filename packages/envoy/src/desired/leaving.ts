import type { Snapshot } from '@smartstack/proxy';
import { type Instance, keyOf } from '@smartstack/registry';

import { membersAt } from '../resources/served.ts';

/** Members that are no longer there, and may finish what they have. */
export interface Leaving {
  /** By service, of a newer snapshot; the same object again where nothing changed. */
  of(snapshot: Snapshot, drainTimeOf: DrainTimeOf): ReadonlyMap<string, readonly Instance[]>;
  /** When the next one is gone (`performance.now()`); infinite where none leaves. */
  readonly next: number;
}

/** How long the members of a service may go on, in milliseconds. */
export type DrainTimeOf = (service: string) => number;

interface Left {
  readonly instance: Instance;
  readonly until: number;
}

export function createLeaving(): Leaving {
  /** The last members of each service, where they were known. */
  const last = new Map<string, readonly Instance[]>();
  const left = new Map<string, ReadonlyMap<string, Left>>();
  let current: ReadonlyMap<string, readonly Instance[]> = new Map();

  /** Whether someone else leaves now. */
  function note(service: string, members: readonly Instance[], drainTime: number): boolean {
    const before = last.get(service);
    last.set(service, members);
    if (before === members) return false;
    const now = new Set(members.map(addressOf));
    const known = left.get(service) ?? new Map<string, Left>();
    const next = new Map([...known].filter(([address]) => !now.has(address)));
    const until = performance.now() + drainTime;
    for (const instance of before ?? [])
      if (!now.has(addressOf(instance))) next.set(addressOf(instance), { instance, until });
    if (next.size > 0) left.set(service, next);
    else left.delete(service);
    return next.size > 0 || known.size > 0;
  }

  function expire(): boolean {
    const now = performance.now();
    let isAny = false;
    for (const [service, known] of left) {
      const rest = new Map([...known].filter(([, { until }]) => until > now));
      if (rest.size === known.size) continue;
      isAny = true;
      if (rest.size > 0) left.set(service, rest);
      else left.delete(service);
    }
    return isAny;
  }

  return {
    of: (snapshot, drainTimeOf) => {
      let isChanged = expire();
      for (const service of snapshot.values()) {
        const members = membersAt(service);
        if (members && note(service.name, members, drainTimeOf(service.name))) isChanged = true;
      }
      for (const service of last.keys())
        if (!snapshot.has(service)) {
          last.delete(service);
          isChanged = left.delete(service) || isChanged;
        }
      if (isChanged)
        current = new Map(
          [...left].map(([service, known]) => [
            service,
            [...known.values()].map(({ instance }) => instance),
          ]),
        );
      return current;
    },
    get next() {
      let next = Number.POSITIVE_INFINITY;
      for (const known of left.values())
        for (const { until } of known.values()) next = Math.min(next, until);
      return next;
    },
  };
}

const addressOf = (instance: Instance) => keyOf({ host: instance.host, port: instance.port });
