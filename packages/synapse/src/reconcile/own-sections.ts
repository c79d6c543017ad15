import type { Service } from '@smartstack/proxy';

import type { RegistryConfig } from '../discovery/discovery.ts';
import { allProxies } from '../proxies.ts';

/** The port that the registry gives every member, by the section of some proxy. */
export function portIn(registryConfig: Service['registryConfig'] = {}): number | undefined {
  for (const { name, config } of allProxies) {
    const { port } = config.takePort(registryConfig[name] ?? {});
    if (port !== undefined) return port;
  }
  return undefined;
}

/** The sections of a service with what its registry sets in them; others stay the same objects. */
export function withOverrides(
  own: NonNullable<Service['own']>,
  change: RegistryConfig,
): NonNullable<Service['own']> {
  const changed = allProxies.flatMap(({ name, config }) => {
    const section = own[name];
    const { own: rest } = config.takePort(change[name] ?? {});
    if (!section || Object.keys(rest).length === 0) return [];
    return [[name, { ...section, ...rest }] as const];
  });
  return changed.length === 0 ? own : { ...own, ...Object.fromEntries(changed) };
}
