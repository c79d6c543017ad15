import type { Directives, Snapshot } from '@smartstack/proxy';

import type { EnvoyConfig } from '../config/config.ts';
import { isOff, ownOf } from '../config/section.ts';

/** Envoy's resources that are made of one service, without members. */
export function directives(
  service: string,
  config: EnvoyConfig | undefined,
  snapshot: Snapshot,
): readonly Directives[] {
  const served = snapshot.get(service);
  const own = served && ownOf(served);
  if (isOff(config) || !own || own.disabled) return [];
  return [];
}
