import type { Service, Snapshot } from '@smartstack/proxy';
import type { Instance } from '@smartstack/registry';

/**
 * A function that gives services whose members nobody knows now those that were known last: unknown is not empty, and
 * what stands for members is for services that never had any. The same service again where nothing changed.
 */
export function createHeld(): (snapshot: Snapshot) => Snapshot {
  const known = new Map<string, readonly Instance[]>();
  const made = new WeakMap<Service, Service>();

  function withMembers(service: Service, instances: readonly Instance[]): Service {
    const before = made.get(service);
    if (before?.instances === instances) return before;
    const held = { ...service, instances };
    made.set(service, held);
    return held;
  }

  return (snapshot) => {
    for (const name of known.keys()) if (!snapshot.has(name)) known.delete(name);
    const held = new Map<string, Service>();
    for (const service of snapshot.values()) {
      const { name, instances } = service;
      const last = known.get(name);
      if (instances) known.set(name, instances);
      else if (last) held.set(name, withMembers(service, last));
    }
    return held.size === 0 ? snapshot : new Map([...snapshot, ...held]);
  };
}
