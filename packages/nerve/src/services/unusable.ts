import { keyOfPlace, type Place } from '../announce/reporters/table.ts';
import type { ServiceConfig } from '../config/config.ts';
import { sumUp } from './registrations.ts';
import type { Service, ServiceStatus } from './service.ts';
import { untilAborted } from './tasks.ts';

/** Stands for a service that cannot be created: it does nothing, and its status gives the reason. */
export function unusable({ name, instance, places }: ServiceConfig, reason: string): Service {
  const status: ServiceStatus = {
    state: 'unknown',
    since: new Date(),
    reason: `cannot be checked and announced: ${reason}`,
    because: 'not checked yet',
    instance,
    ...sumUp(places.map(nothingAt)),
    checks: [],
  };
  return {
    name,
    run: untilAborted,
    reported: Promise.resolve(),
    places: places.map((place) => ({
      key: keyOfPlace(place),
      reported: Promise.resolve(),
      leave: () => {},
    })),
    overdue: () => 0,
    status: () => status,
    setOverride: () => {},
    check: async () => [],
  };
}

function nothingAt({ registry, path }: Place) {
  return { registry, path, announced: false, may_stand: false, confirmed: true, away: false };
}
