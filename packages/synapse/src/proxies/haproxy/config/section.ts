import type { HaproxyConfig } from './config.ts';

/** Whether synapse is to have nothing to do with any HAProxy: all three `do_` keys are false. */
export function isOff(section: HaproxyConfig | undefined): boolean {
  return section !== undefined && !(section.do_writes || section.do_socket || section.do_reloads);
}

/** The section that counts; undefined where there is none, or HAProxy is off. */
export const sectionOf = (section: HaproxyConfig | undefined): HaproxyConfig | undefined =>
  isOff(section) ? undefined : section;
