import { createLatest } from '@smartstack/daemon';
import type { ConfigurableDriver, ProxyDeps } from '@smartstack/proxy';

import type { EnvoyConfig } from './config/config.ts';
import { isAsked, isOff, name, sectionsOf } from './config/section.ts';

/** A driver that touches no Envoy. */
export function createEnvoyDriver(
  first: EnvoyConfig | undefined,
  _deps: ProxyDeps,
): ConfigurableDriver<EnvoyConfig> {
  const wakes = createLatest<void>();
  let section = first;
  let why: string | undefined;
  return {
    name,
    configure: (next) => {
      section = next;
      wakes.set();
      return [];
    },
    apply: async (snapshot) => {
      why = isOff(section) ? 'envoy is false' : undefined;
      if (why === undefined && section === undefined && !isAsked(sectionsOf(snapshot)))
        why = 'there is no envoy section, and no service is served by it';
      return 'unchanged';
    },
    wakes: (signal) => wakes.values(signal),
    status: () => (why === undefined ? { services: {} } : { mode: 'none', why, services: {} }),
    refused: () => [],
    measure: async () => new Map(),
    [Symbol.asyncDispose]: async () => wakes.end(),
  };
}
