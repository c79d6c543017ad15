import { type Log, messageOf } from '@smartstack/daemon';
import { boundLog, usualBound } from '@smartstack/proxy';

import type { HaproxyConfig } from '../config/config.ts';
import type { ManagedPaths } from './paths.ts';

/** Of one that a service manager runs, logrotate has the log first (at 50 MB), with names of its own. */
const packagedBound = (path: string) => ({ most: 100_000_000, aside: `${path}.old` });

/**
 * Keeps what HAProxy writes, access logs too, from filling the disk: a log over its bound is set aside. HAProxy
 * knows nothing of it, and no line is torn.
 */
export function createOutputBound(
  managed: ManagedPaths | undefined,
  { supervised }: HaproxyConfig,
  log: Log,
): () => Promise<void> {
  if (!managed) return async () => {};
  const path = managed.log;
  const bound = supervised ? packagedBound(path) : usualBound(path);
  let complaint = '';
  return async () => {
    try {
      if (await boundLog(path, bound)) log.debug({ path, aside: bound.aside }, 'log set aside');
      complaint = '';
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== complaint)
        log.warn(
          { path, reason, fix: 'make room on its disk, or send the log elsewhere: haproxy.syslog' },
          'cannot keep the old log of haproxy',
        );
      complaint = reason;
    }
  };
}
