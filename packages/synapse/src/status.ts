import { troubleOf } from './discovery/trace.ts';
import type { ProxyDriver } from './proxies/proxy.ts';
import { statusOf } from './proxies/status-of.ts';
import type { Reconciler } from './reconciler.ts';

/** What `GET /status` shows: every service with its members, and what each proxy says of itself. */
export function describeStatus(
  { snapshot, get, failure, trouble }: Pick<Reconciler, 'snapshot' | 'get' | 'failure' | 'trouble'>,
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
            trouble: troubleOf(failure(name), get(name)?.trace) ?? null,
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
    proxies: Object.fromEntries(
      drivers.map((driver) => [driver.name, withTrouble(statusOf(driver), trouble(driver.name))]),
    ),
  };
}

/** What a proxy says of itself, and what is known of it that it does not say. */
function withTrouble(status: unknown, trouble: string | undefined): unknown {
  if (trouble === undefined) return status;
  const { trouble: own } = (status ?? {}) as { readonly trouble?: string | null };
  return { ...(status ?? {}), trouble: own ?? trouble };
}
