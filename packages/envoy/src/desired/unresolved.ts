import type { Log } from '@smartstack/daemon';

import { nameOf } from '../resources/members.ts';
import type { Made } from '../resources/resources.ts';
import type { Meters } from '../status/metrics.ts';

const notServed = 'a member is not served: its name does not resolve';
const fix = 'announce an address, or a name that this machine resolves; it is looked up again';

const notCalled = 'gRPC applications do not call a member: it has a UNIX socket';
const portFix = 'announce it with a host and port';

/** Logs once of each member that gRPC applications are not told of. */
export function createSocketLog(log: Log) {
  let said: ReadonlySet<string> = new Set();
  return ({ sockets }: Pick<Made, 'sockets'>): void => {
    const now = new Set<string>();
    for (const [service, members] of sockets)
      for (const server of members.map(nameOf)) {
        const key = `${service} ${server}`;
        now.add(key);
        if (!said.has(key)) log.warn({ service, server, fix: portFix }, notCalled);
      }
    said = now;
  };
}

/** Logs once of each member whose name does not resolve that it is not served, and counts them. */
export function createUnresolved(meters: Meters, log: Log) {
  let said: ReadonlySet<string> = new Set();
  return ({ unresolved }: Pick<Made, 'unresolved'>): void => {
    const now = new Set<string>();
    for (const { service, name, host } of unresolved) {
      const key = `${service} ${name}`;
      now.add(key);
      if (!said.has(key)) log.warn({ service, server: name, host, fix }, notServed);
    }
    said = now;
    meters.unresolved.set(now.size);
  };
}
