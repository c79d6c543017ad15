import { type Locality, nearest } from '@smartstack/policy';

import type { Discovery } from '../discovery.ts';

/** The discovery without members that are farther than needed; with `down` the proxy decides. */
export function withLocality(discovery: Discovery, locality: Locality | undefined): Discovery {
  const { spill } = locality ?? { spill: 'down' };
  if (!locality || spill === 'down') return discovery;
  return async function* (signal) {
    for await (const members of discovery(signal)) yield nearest(members, locality, spill);
  };
}
