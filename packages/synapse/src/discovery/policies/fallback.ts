import { type Instance, keyOf } from '@smartstack/registry';

import type { Discovery } from '../discovery.ts';

/** What is served when a discovery finds few members or none; keys and meaning are the originals'. */
export interface FallbackPolicy {
  readonly defaultServers: readonly Instance[];
  /** Serves the default servers beside whatever is discovered. */
  readonly keepDefaultServers: boolean;
  /** Keeps the last members when none are left and there are no default servers. */
  readonly usePreviousBackends: boolean;
}

/** The members to serve, given those served before and those listed now. */
export function chooseMembers(
  previous: readonly Instance[],
  listed: readonly Instance[],
  policy: FallbackPolicy,
): readonly Instance[] {
  const all = policy.keepDefaultServers ? [...listed, ...policy.defaultServers] : listed;
  if (all.length > 0) return unique(all);
  if (policy.defaultServers.length > 0) return policy.defaultServers;
  return policy.usePreviousBackends ? previous : [];
}

/** The discovery with a fallback policy over it; `saved` are the members of an earlier run. */
export function withFallback(
  discovery: Discovery,
  policy: FallbackPolicy,
  saved: readonly Instance[] = [],
): Discovery {
  return async function* (signal) {
    let members = saved;
    for await (const listed of discovery(signal)) {
      members = chooseMembers(members, listed, policy);
      yield members;
    }
  };
}

/** Backends are unique by host, port and name; the first of each is kept. */
function unique(instances: readonly Instance[]): readonly Instance[] {
  const keys = new Set<string>();
  const firsts = instances.filter((instance) => {
    const before = keys.size;
    return keys.add(keyOf(instance)).size > before;
  });
  return firsts.length === instances.length ? instances : firsts;
}
