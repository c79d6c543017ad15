import { isDeepStrictEqual } from 'node:util';

import type { HaproxyConfig } from './config.ts';

/** What says which HAProxy it is and how it is spoken to: another one is another start. */
const fixed = [
  'run_directory',
  'config_file_path',
  'candidate_config_file_path',
  'socket_file_path',
  'state_file_path',
  'binary',
  'reload_command',
  'do_reloads',
  'do_socket',
  'do_writes',
  'supervised',
] as const;

/** A newer configuration as far as it can be used at once, and the keys that were kept as they were. */
export function reconfigured(
  before: HaproxyConfig,
  after: HaproxyConfig,
): { readonly merged: HaproxyConfig; readonly kept: readonly string[] } {
  const old = Object.fromEntries(fixed.map((key) => [key, before[key]]));
  // A key that neither has is left out, or the two would never be equal.
  const merged = Object.entries({ ...after, ...old }).filter(([, value]) => value !== undefined);
  return {
    merged: Object.fromEntries(merged) as HaproxyConfig,
    kept: fixed.filter((key) => !isDeepStrictEqual(before[key], after[key])),
  };
}
