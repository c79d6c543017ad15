import type { Journal, Log, Metrics, Statsd } from '@smartstack/daemon';
import type { OpenedRegistries } from '@smartstack/registry';

import type { Announcing } from '../announce/announcer.ts';
import type { Place } from '../announce/reporters/reporter.ts';
import type { TtlReports } from '../checks/ttl-reports.ts';
import { createSchedule, phaseOf } from '../health/schedule.ts';
import { both, createMeasures } from '../metrics/metrics.ts';
import { statsdLife, statsdMeasures } from '../metrics/statsd.ts';
import type { Overrides } from '../operator/overrides.ts';
import { journalMeasures } from '../page/journal.ts';
import { createService, type Service } from './service.ts';
import type { ServicesDeps } from './services.ts';

export interface ServiceFactoryDeps {
  readonly registries: OpenedRegistries;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly overrides: Overrides;
  readonly ttlReports: TtlReports;
  readonly statsd: Statsd | undefined;
  readonly journal: Journal;
  /** The names of services whose records of an earlier nerve are all taken over or withdrawn. */
  readonly cleared: ReadonlySet<string>;
  /** Ends withdrawals that the registry does not confirm. */
  readonly stopWithdrawing: AbortSignal;
}

/** Creates services with their registries, metrics, journal and checks' phases. */
export function serviceFactory({
  registries,
  log,
  metrics,
  overrides,
  ttlReports,
  statsd,
  journal,
  cleared,
  stopWithdrawing,
}: ServiceFactoryDeps): ServicesDeps {
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
        ttlReports,
        schedule,
        stopWithdrawing,
        override: overrides.of(service.name),
        hasInherited: () => !cleared.has(service.name) && hasInherited(registries, service.place),
      });
      return life
        ? { ...created, run: (signal) => life.watched(service.name, created.run(signal)) }
        : created;
    },
    onEnded: measure.forget,
  };
}

/** The registry of a service's place, which announces in the form of that place. */
function openPlace(registries: OpenedRegistries, place: Place): Announcing {
  if ('ttl' in place) {
    const { announce } = registries.openEtcdV2(place.address);
    return { announce: (...args) => announce(place.ttl, ...args) };
  }
  if (!('form' in place)) return registries.open(place.address);
  const { announceAs } = registries.openZooKeeper(place.address.hosts);
  return { announce: (...args) => announceAs(place.form, ...args) };
}

/** Whether the place has records of an earlier nerve's session that were neither taken over nor withdrawn. */
function hasInherited(registries: OpenedRegistries, { address, path }: Place): boolean {
  if (address.type === 'etcd') return registries.openEtcd(address.endpoints).hasUnclaimed(path);
  if (address.type !== 'zookeeper') return false;
  return registries.openZooKeeper(address.hosts).hasUnclaimed(path);
}
