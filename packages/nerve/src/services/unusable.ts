import type { ServiceConfig } from '../config/config.ts';
import type { Service, ServiceStatus } from './service.ts';
import { untilAborted } from './tasks.ts';

/** Stands for a service that cannot be created: it does nothing, and its status gives the reason. */
export function unusable({ name, instance, place }: ServiceConfig, reason: string): Service {
  const status: ServiceStatus = {
    state: 'unknown',
    since: new Date(),
    reason: `cannot be checked and announced: ${reason}`,
    because: 'not checked yet',
    instance,
    announced: false,
    may_stand: false,
    confirmed: true,
    path: place.path,
    checks: [],
  };
  return {
    name,
    run: untilAborted,
    reported: Promise.resolve(),
    overdue: () => 0,
    status: () => status,
    setOverride: () => {},
    check: async () => [],
  };
}
