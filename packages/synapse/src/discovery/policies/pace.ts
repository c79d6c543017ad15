import { setTimeout as sleep } from 'node:timers/promises';

import type { Discovery } from '../discovery.ts';

/** The discovery with at least so many milliseconds from one list to the next; a late change is not held. */
export function withPace(discovery: Discovery, milliseconds: number | undefined): Discovery {
  if (!milliseconds) return discovery;
  return async function* (signal) {
    for await (const instances of discovery(signal)) {
      const next = performance.now() + milliseconds;
      yield instances;
      const left = next - performance.now();
      if (left > 0) await sleep(left, undefined, { signal }).catch(() => {});
    }
  };
}
