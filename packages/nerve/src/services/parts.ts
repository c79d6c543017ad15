import type { Journal, Log, Metrics, Statsd } from '@smartstack/daemon';
import type { OpenedRegistries } from '@smartstack/registry';

import type { Announcing } from '../announce/announcer.ts';
import type { Place } from '../announce/reporters/reporter.ts';
import type { Beats } from '../checks/ttl-reports.ts';
import { createSchedule, phaseOf } from '../health/schedule.ts';
import { both, createMeasures } from '../metrics/metrics.ts';
import { statsdLife, statsdMeasures } from '../metrics/statsd.ts';
import type { Orders } from '../operator/overrides.ts';
import { journalMeasures } from '../page/journal.ts';
import { createService, type Service } from './service.ts';
import type { FleetDeps } from './services.ts';

export interface FleetParts {
  readonly registries: OpenedRegistries;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly orders: Orders;
  readonly beats: Beats;
  readonly statsd: Statsd | undefined;
  readonly journal: Journal;
  /** Services of which no record of an earlier nerve is left. */
  readonly cleared: ReadonlySet<string>;
  /** Ends withdrawals that the registry does not confirm. */
  readonly giveUp: AbortSignal;
}

/** How the fleet makes services. */
export function fleetDeps({
  registries,
  log,
  metrics,
  orders,
  beats,
  statsd,
  journal,
  cleared,
  giveUp,
}: FleetParts): FleetDeps {
  const measure = createMeasures(metrics);
  const schedule = createSchedule();
  const life = statsd && statsdLife(statsd);
  let checks = 0;
  return {
    log,
    create: (service) => {
      const own = log.child({ service: service.name });
      if (service.checks.length === 0) own.warn('service has no checks: announced as it is');
      const noted = journalMeasures(journal, service.name, () => created?.status());
      const measures = both(measure.of(service.name), noted);
      const created: Service = createService(service, {
        registry: openPlace(registries, service.place),
        log: own,
        measures: statsd ? both(measures, statsdMeasures(statsd, service.name)) : measures,
        phases: service.checks.map(() => phaseOf(checks++)),
        beats,
        schedule,
        giveUp,
        order: orders.of(service.name),
        hasInherited: () => !cleared.has(service.name) && hasInherited(registries, service.place),
      });
      return life
        ? { ...created, run: (signal) => life.watched(service.name, created.run(signal)) }
        : created;
    },
    onEnded: measure.forget,
  };
}

function openPlace(registries: OpenedRegistries, place: Place): Announcing {
  if ('ttl' in place) {
    const { announce } = registries.openEtcd(place.address);
    return { announce: (...args) => announce(place.ttl, ...args) };
  }
  if (!('form' in place)) return registries.open(place.address);
  const { announceAs } = registries.openZooKeeper(place.address.hosts);
  return { announce: (...args) => announceAs(place.form, ...args) };
}

function hasInherited(registries: OpenedRegistries, { address, path }: Place): boolean {
  if (address.type !== 'zookeeper') return false;
  return registries.openZooKeeper(address.hosts).hasUnclaimed(path);
}
