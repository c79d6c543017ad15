import type { ProxyDriver } from './proxies/proxy.ts';
import type { Snapshot } from './service.ts';

/** What `GET /status` shows: every service with its members, and what each proxy says of itself. */
export function describeStatus(snapshot: Snapshot, drivers: readonly ProxyDriver[]): object {
  return {
    services: Object.fromEntries(
      [...snapshot].map(([name, { instances, origin }]) => [
        name,
        { heard: instances !== undefined, members: instances ?? [], configured_at: origin },
      ]),
    ),
    proxies: Object.fromEntries(drivers.map((driver) => [driver.name, driver.status()])),
  };
}
