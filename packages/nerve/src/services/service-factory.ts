import type { Journal, Log, Metrics, Statsd } from '@smartstack/daemon';
import type { OpenedRegistries } from '@smartstack/registry';

import { openPlaces } from '../announce/open-places.ts';
import type { Cleared } from '../announce/stale-records.ts';
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
  /** Where a service's records of an earlier nerve are all taken over or withdrawn. */
  readonly cleared: Cleared;
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
        open: openPlaces(service.places, registries),
        log: own,
        measures: statsd ? both(measures, statsdMeasures(statsd, service.name)) : measures,
        phases: service.checks.map(() => phaseOf(checks++)),
        ttlReports,
        schedule,
        stopWithdrawing,
        override: overrides.of(service.name),
        isCleared: (place) => cleared.has(service.name, place),
      });
      return life
        ? { ...created, run: (signal) => life.watched(service.name, created.run(signal)) }
        : created;
    },
    onEnded: measure.forget,
  };
}
