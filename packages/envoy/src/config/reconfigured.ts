import { isDeepStrictEqual } from 'node:util';

import type { EnvoyConfig } from './config.ts';

/** What says which Envoy it is and how it is spoken to: another one is another start. */
const fixed = [
  'managed',
  'run_directory',
  'xds',
  'admin',
  'files',
  'binary',
  'supervised',
  'concurrency',
  'drain_time',
  'log_level',
] as const;

/** A newer configuration as far as it can be used at once, and the keys that were kept as they were. */
export function reconfigured(
  before: EnvoyConfig,
  after: EnvoyConfig,
): { readonly merged: EnvoyConfig; readonly kept: readonly string[] } {
  const old = Object.fromEntries(fixed.map((key) => [key, before[key]]));
  // A key that neither has is left out, or the two would never be equal.
  const merged = Object.entries({ ...after, ...old }).filter(([, value]) => value !== undefined);
  return {
    merged: Object.fromEntries(merged) as EnvoyConfig,
    kept: fixed.filter((key) => !isDeepStrictEqual(before[key], after[key])),
  };
}
