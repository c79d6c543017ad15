import type { Services } from './services.ts';

/** A service whose checks are overdue for longer than this hangs, in milliseconds: one that failed is started again sooner. */
const overdueLimit = 60_000;

/** Whether every service was checked, and those that are up are in the registry. */
export function isReady(services: Services): boolean {
  return services.all().every((service) => {
    const { state, announced, because } = service.status();
    return state !== 'unknown' && (announced || because !== 'up');
  });
}

/** Whether the checks of every service run. */
export function isWorking(services: Services): boolean {
  return services.all().every((service) => service.overdue() < overdueLimit);
}

/** The status of one nerve as JSON. */
export function statusOf(instanceId: string, services: Services, registryAway: boolean): object {
  return {
    instance_id: instanceId,
    registry_away: registryAway,
    services: Object.fromEntries(services.all().map((service) => [service.name, service.status()])),
  };
}
