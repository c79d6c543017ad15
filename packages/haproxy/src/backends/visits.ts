import { routeNames } from '@smartstack/policy';
import type { Snapshot } from '@smartstack/proxy';

import type { Visit } from '../policy/traffic.ts';

/** The routes by which other services' requests come to each service, where they have times of their own. */
export function visitsOf(snapshot: Snapshot): ReadonlyMap<string, readonly Visit[]> {
  const visits = new Map<string, Visit[]>();
  for (const { name, policy } of snapshot.values()) {
    const { routes } = policy?.policy ?? {};
    if (!routes?.length) continue;
    const names = routeNames(routes);
    for (const [index, { to = [], timeouts }] of routes.entries()) {
      if (!timeouts) continue;
      const hosts = new Set(to.map(({ service = name }) => service));
      hosts.delete(name);
      for (const host of hosts)
        visits.set(host, [
          ...(visits.get(host) ?? []),
          { key: `${name}/${names[index]}`, timeouts },
        ]);
    }
  }
  return visits;
}
