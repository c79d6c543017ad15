import { createMetrics, silentLog } from '@smartstack/daemon';
import { createRegistries, type RegistryAddress } from '@smartstack/registry';

import { servicePath } from './configuration.ts';

/** What the registry holds, as any reader of it sees. */
export interface Announcements extends AsyncDisposable {
  /** The ports of the copies that are announced now. */
  ports(): ReadonlySet<number>;
}

/** Follows the announcements of the demo's service until disposed of. */
export function followAnnouncements(address: RegistryAddress): Announcements {
  const registries = createRegistries({ log: silentLog, metrics: createMetrics() });
  const end = new AbortController();
  let ports: ReadonlySet<number> = new Set();

  async function follow() {
    const lists = registries.open(address).watch(servicePath, end.signal);
    for await (const instances of lists) ports = new Set(instances.map(({ port }) => Number(port)));
  }

  const followed = follow();
  return {
    ports: () => ports,
    async [Symbol.asyncDispose]() {
      end.abort();
      await followed;
      await registries[Symbol.asyncDispose]();
    },
  };
}
