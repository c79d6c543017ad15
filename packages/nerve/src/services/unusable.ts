import type { ServiceConfig } from '../config/config.ts';
import type { Service } from './service.ts';
import { untilAborted } from './tasks.ts';

/** A service that cannot be created: its status gives the reason, and it does nothing. */
export function unusable({ name, instance, place }: ServiceConfig, reason: string): Service {
  const since = new Date();
  return {
    name,
    run: async (signal) => {
      await untilAborted(signal);
    },
    reported: Promise.resolve(),
    overdue: () => 0,
    status: () => ({
      state: 'unknown',
      since,
      reason: `cannot be checked and announced: ${reason}`,
      because: 'not checked yet',
      instance,
      announced: false,
      may_stand: false,
      confirmed: true,
      path: place.path,
      checks: [],
    }),
    setOverride: () => {},
    check: async () => [],
  };
}
