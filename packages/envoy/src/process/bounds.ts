import { type Log, messageOf } from '@smartstack/daemon';
import { boundLog, usualBound } from '@smartstack/proxy';

import type { EnvoyPaths } from './options.ts';

/**
 * Keeps what Envoy writes, access logs too, from filling the disk: a file over its bound is set aside. Envoy appends,
 * knows nothing of it, and tears no line.
 */
export function createBounds(paths: EnvoyPaths, log: Log): () => Promise<void> {
  const complaints = new Map<string, string>();
  return async () => {
    for (const path of [paths.log, paths.ejections]) {
      const bound = usualBound(path);
      try {
        if (await boundLog(path, bound)) log.debug({ path, aside: bound.aside }, 'log set aside');
        complaints.delete(path);
      } catch (error) {
        const reason = messageOf(error);
        if (complaints.get(path) !== reason)
          log.warn(
            { path, reason, fix: 'make room on its disk' },
            'cannot keep the old log of envoy',
          );
        complaints.set(path, reason);
      }
    }
  };
}
