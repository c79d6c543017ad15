import type { Log } from '@smartstack/daemon';

import type { Meters } from '../status/metrics.ts';
import type { Desired } from './desired.ts';

const notServed = 'a member is not served: its name does not resolve';
const fix = 'announce an address, or a name that this machine resolves; it is looked up again';

/** Logs once of each member whose name does not resolve that it is not served, and counts them. */
export function createUnresolved(meters: Meters, log: Log) {
  let last: ReadonlyMap<string, Desired> | undefined;
  let said = new Set<string>();
  return (desired: ReadonlyMap<string, Desired>): void => {
    if (last === desired) return;
    last = desired;
    const now = new Set<string>();
    for (const [service, { made }] of desired)
      for (const { name, host } of made.unresolved) {
        const key = `${service} ${name}`;
        now.add(key);
        if (!said.has(key)) log.warn({ service, server: name, host, fix }, notServed);
      }
    said = now;
    meters.unresolved.set(now.size);
  };
}
