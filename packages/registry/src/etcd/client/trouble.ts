import { type Log, messageOf } from '@smartstack/daemon';

import { fixFor } from './errors.ts';

/** Notes when a cluster did not answer, and says so once. */
export function createTrouble(log: Log, now: () => number = () => performance.now()) {
  let isTroubled = false;
  let last: number | undefined;
  return {
    begin: (endpoint: string, error: unknown) => {
      if (!isTroubled)
        log.warn(
          { endpoint, reason: messageOf(error), fix: fixFor(error) },
          'etcd does not answer',
        );
      isTroubled = true;
      last = now();
    },
    end: (endpoint: string) => {
      if (isTroubled) log.info({ endpoint }, 'etcd answers');
      if (isTroubled) last = now();
      isTroubled = false;
    },
    note: () => {
      last = now();
    },
    /** The last moment at which it did not answer, on `performance.now`'s clock; undefined for never. */
    last: () => (isTroubled ? now() : last),
  };
}
