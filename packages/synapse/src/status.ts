import type { ProxyDriver } from './proxies/proxy.ts';
import { statusOf } from './proxies/status-of.ts';
import type { Reconciler } from './reconciler.ts';

/** What `GET /status` shows: every service with its members, and what each proxy says of itself. */
export function describeStatus(
  { snapshot, get, failure }: Pick<Reconciler, 'snapshot' | 'get' | 'failure'>,
  drivers: readonly ProxyDriver[],
): object {
  return {
    services: Object.fromEntries(
      [...snapshot()].map(([name, { instances, missing, defaults, stale = false, origin }]) => {
        const held = get(name)?.guard?.held();
        return [
          name,
          {
            heard: (instances ?? missing) !== undefined,
            trouble: failure(name) ?? null,
            stale: instances === undefined && stale,
            members: instances ?? (stale ? defaults : []),
            held: held
              ? { members: held.members, until: new Date(held.until).toISOString() }
              : null,
            configured_at: origin,
          },
        ];
      }),
    ),
    proxies: Object.fromEntries(drivers.map((driver) => [driver.name, statusOf(driver)])),
  };
}
