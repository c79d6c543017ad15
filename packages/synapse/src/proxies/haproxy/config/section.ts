import type { HaproxyConfig } from './config.ts';

/** The `haproxy` key of the top level; `false` for no HAProxy at all. */
export type HaproxyKey = HaproxyConfig | false | undefined;

/** Whether synapse is to have nothing to do with any HAProxy: `false`, or all three `do_…` keys are. */
export function isOff(key: HaproxyKey): boolean {
  if (key === undefined || key === false) return key === false;
  return !(key.do_writes || key.do_socket || key.do_reloads);
}

/** The section that counts; undefined where there is none, or HAProxy is off. */
export const sectionOf = (key: HaproxyKey): HaproxyConfig | undefined =>
  key === false || isOff(key) ? undefined : key;
