import { createLatest, type Latest } from '@smartstack/daemon';

import type { Instance } from '../instance/instance.ts';
import type { Registry } from '../registry.ts';

/** A registry inside one process, for tests and for trying things out; every path is there from the start. */
export function createMemoryRegistry(): Registry {
  const paths = new Map<string, Map<string, Instance>>();
  const watchers = new Map<string, Set<Latest<readonly Instance[]>>>();
  let sequence = 0;

  const membersOf = (path: string) => getOrCreate(paths, path, () => new Map<string, Instance>());
  const watchersOf = (path: string) =>
    getOrCreate(watchers, path, () => new Set<Latest<readonly Instance[]>>());

  function put(path: string, id: string, instance: Instance | undefined): void {
    if (instance) membersOf(path).set(id, { ...instance, id });
    else membersOf(path).delete(id);
    for (const watcher of watchersOf(path)) watcher.set([...membersOf(path).values()]);
  }

  return {
    announce: async (path, instance, signal) => {
      signal.throwIfAborted();
      const id = `${instance.name ?? ''}_${String(sequence++).padStart(10, '0')}`;
      put(path, id, instance);
      return {
        update: async (next) => put(path, id, next),
        [Symbol.asyncDispose]: async () => put(path, id, undefined),
      };
    },

    watch: async function* (path, signal) {
      const latest = createLatest<readonly Instance[]>();
      latest.set([...membersOf(path).values()]);
      watchersOf(path).add(latest);
      try {
        yield* latest.values(signal);
      } finally {
        watchersOf(path).delete(latest);
      }
    },

    [Symbol.asyncDispose]: async () => {
      for (const set of watchers.values()) for (const watcher of set) watcher.end();
    },
  };
}

function getOrCreate<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const present = map.get(key);
  if (present !== undefined) return present;
  const created = create();
  map.set(key, created);
  return created;
}
