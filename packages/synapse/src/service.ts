import type { Instance } from '@smartstack/registry';

import type { GeneratorOverrides } from './discovery/generator.ts';
import type { Locality } from './discovery/policies/locality.ts';
import type { HaproxyService } from './proxies/haproxy/config/config.ts';

/** One followed service as the proxies are to serve it. */
export interface Service {
  readonly name: string;
  /** Its members; undefined while its discovery has not been heard, which is not an empty list. */
  readonly instances: readonly Instance[] | undefined;
  /** Why nobody is announced, where its registry answered that there is no such place. */
  readonly missing?: string;
  /** What to serve while `instances` is undefined and the proxy holds no members of its own. */
  readonly defaults: readonly Instance[];
  /** Whether `defaults` are the members of an earlier run rather than configured ones. */
  readonly stale?: boolean;
  /** What tells this way of finding its members from another. */
  readonly identity?: string;
  /** Which of its members stand by for which, where HAProxy is to judge when they serve. */
  readonly locality?: Locality;
  /** How HAProxy is to serve it; absent when HAProxy is not to. */
  readonly haproxy?: HaproxyService;
  /** What its ZooKeeper path's own data says over its section, where that says something. */
  readonly registryConfig?: GeneratorOverrides | undefined;
  /** Whether its members are written as a file, where those of others are; absent for yes. */
  readonly fileOutput?: boolean;
  /** Where it is configured, for messages: `file:line:col`. */
  readonly origin: string;
}

/** The whole desired state, by service name; never changed once made. */
export type Snapshot = ReadonlyMap<string, Service>;

/** Whether its registry has not answered yet; where it remembers members whose place is gone, they are still to be heard of. */
export function isUnheard({ instances, missing, stale = false }: Service): boolean {
  return instances === undefined && (missing === undefined || stale);
}
