import { createLatest, type Latest } from '@smartstack/daemon';
import type { Output, Service, Snapshot } from '@smartstack/proxy';
import type { Instance } from '@smartstack/registry';

/** One service as apps see it. */
export interface Entry {
  readonly name: string;
  /** Grows with each change of the entry, and differs after a restart. */
  readonly index: number;
  /** Whether the members are those of an earlier run. */
  readonly stale: boolean;
  readonly members: readonly Instance[];
}

/** What apps may ask for, kept in step as a proxy is. */
export interface Catalog {
  readonly driver: Output;
  /** All services by name; undefined before the first snapshot. */
  entries(): ReadonlyMap<string, Entry> | undefined;
  /** Yields a service's present entry, then each newer one; undefined once it is gone. Ends when the signal aborts. */
  follow(name: string, signal: AbortSignal): AsyncIterable<Entry | undefined>;
}

/** An empty catalog; `first` is the index to begin with. */
export function createCatalog(first = Date.now()): Catalog {
  let entries: ReadonlyMap<string, Entry> | undefined;
  let index = first;
  let source: Snapshot = new Map();
  const followers = new Map<string, Set<Latest<Entry | undefined>>>();

  function take(snapshot: Snapshot): boolean {
    const before = entries ?? new Map<string, Entry>();
    const next = new Map<string, Entry>();
    for (const [name, service] of snapshot) {
      const known = before.get(name);
      const members = membersOf(service);
      const stale = service.instances === undefined;
      const same = known && known.members === members && known.stale === stale;
      next.set(name, same ? known : { name, index: ++index, stale, members });
    }
    const changed = [...new Set([...before.keys(), ...next.keys()])].filter(
      (name) => before.get(name) !== next.get(name),
    );
    entries = next;
    for (const name of changed)
      for (const follower of followers.get(name) ?? []) follower.set(next.get(name));
    return changed.length > 0;
  }

  return {
    entries: () => entries,
    follow: async function* (name, signal) {
      const latest = createLatest<Entry | undefined>();
      if (entries) latest.set(entries.get(name));
      const all = followers.get(name) ?? new Set();
      followers.set(name, all.add(latest));
      try {
        yield* latest.values(signal);
      } finally {
        all.delete(latest);
        if (all.size === 0) followers.delete(name);
      }
    },
    driver: {
      name: 'api',
      auxiliary: true,
      apply: async (snapshot) => {
        if (snapshot === source) return 'unchanged';
        source = snapshot;
        return take(snapshot) ? 'updated' : 'unchanged';
      },
      wakes: async function* () {},
      status: () => ({ services: entries?.size ?? 0 }),
      [Symbol.asyncDispose]: async () => {},
    },
  };
}

function membersOf({ instances, defaults }: Service): readonly Instance[] {
  return instances ?? defaults;
}
