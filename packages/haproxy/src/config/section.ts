import type { Service, Snapshot } from '@smartstack/proxy';

import type { HaproxyConfig, HaproxyService } from './config.ts';

/** What HAProxy is called in files, status and metrics. */
export const name = 'haproxy';

/** Whether synapse is to have nothing to do with any HAProxy: all three `do_` keys are false. */
export function isOff(section: HaproxyConfig | undefined): boolean {
  return section !== undefined && !(section.do_writes || section.do_socket || section.do_reloads);
}

/** The section that counts; undefined where there is none, or HAProxy is off. */
export const sectionOf = (section: HaproxyConfig | undefined): HaproxyConfig | undefined =>
  isOff(section) ? undefined : section;

/** How HAProxy is to serve a service; undefined where it is not to. */
export const ownOf = ({ own }: Pick<Service, 'own'>): HaproxyService | undefined =>
  own?.[name] as HaproxyService | undefined;

/** Whether a service of these asks for a HAProxy. */
export function isAsked(sections: Iterable<HaproxyService | undefined>): boolean {
  for (const own of sections) if (own && !own.disabled) return true;
  return false;
}

/** The sections of all services of a snapshot. */
export const sectionsOf = (snapshot: Snapshot): readonly (HaproxyService | undefined)[] =>
  [...snapshot.values()].map(ownOf);
