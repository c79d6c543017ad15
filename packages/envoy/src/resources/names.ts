import { type Subset, subsetText } from '@smartstack/policy';

/** What the listener is called at which apps connect to a service. */
export const listenerName = (service: string): string => `${listenerPrefix}${service}`;

const listenerPrefix = 'listener/';

/** The service that apps connect to at a listener; undefined for one that is not ours. */
export const serviceOfListener = (name: string): string | undefined =>
  name.startsWith(listenerPrefix) ? name.slice(listenerPrefix.length) : undefined;

/** What the members of a service are called, or those of them with some labels: `web`, `web|version=v2`. */
export function clusterName(service: string, subset: Subset = {}): string {
  const text = subsetText(subset);
  const own = service.replace(/[\\|]/g, '\\$&');
  return text === '' ? own : `${own}|${text}`;
}
