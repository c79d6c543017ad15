import { createBroadcast } from '@smartstack/daemon';

import type { Instance } from '../instance/instance.ts';
import type { Registry } from '../registry.ts';

/** A registry inside one process, for tests and for trying things out; every path is there from the start. */
export function createMemoryRegistry(): Registry {
  const paths = new Map<string, ReturnType<typeof createPath>>();
  const pathOf = (path: string) => getOrCreate(paths, path, createPath);
  let sequence = 0;

  return {
    announce: async (path, instance, signal) => {
      signal.throwIfAborted();
      const id = `${instance.name ?? ''}_${String(sequence++).padStart(10, '0')}`;
      const { put } = pathOf(path);
      put(id, instance);
      return {
        update: async (next) => put(id, next),
        [Symbol.asyncDispose]: async () => put(id, undefined),
      };
    },
    watch: (path, signal) => pathOf(path).lists.values(signal),
    [Symbol.asyncDispose]: async () => {
      for (const { lists } of paths.values()) lists.end();
    },
  };
}

/** One path's instances; its watchers get the whole list after each change. */
function createPath() {
  const instances = new Map<string, Instance>();
  const lists = createBroadcast<readonly Instance[]>([]);
  return {
    lists,
    put: (id: string, instance: Instance | undefined): void => {
      if (instance) instances.set(id, { ...instance, id });
      else instances.delete(id);
      lists.set([...instances.values()]);
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
