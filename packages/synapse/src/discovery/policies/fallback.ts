import { type Instance, keyOf } from '@smartstack/registry';

import type { Discovery } from '../discovery.ts';

/** What a service's list becomes when its discovery says little; keys and meaning are the originals'. */
export interface FallbackPolicy {
  readonly defaultServers: readonly Instance[];
  /** Serves the default servers beside whatever is discovered. */
  readonly keepDefaultServers: boolean;
  /** Keeps the last members when none are left and there are no default servers. */
  readonly usePreviousBackends: boolean;
}

/** The members to serve, given those served before and those just heard of. */
export function chooseMembers(
  previous: readonly Instance[],
  heard: readonly Instance[],
  policy: FallbackPolicy,
): readonly Instance[] {
  const all = policy.keepDefaultServers ? [...heard, ...policy.defaultServers] : heard;
  if (all.length > 0) return unique(all);
  if (policy.defaultServers.length > 0) return policy.defaultServers;
  return policy.usePreviousBackends ? previous : [];
}

/** The discovery with a fallback policy over it; `remembered` was served before the first list. */
export function withFallback(
  discovery: Discovery,
  policy: FallbackPolicy,
  remembered: readonly Instance[] = [],
): Discovery {
  return async function* (signal) {
    let members = remembered;
    for await (const heard of discovery(signal)) {
      members = chooseMembers(members, heard, policy);
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
