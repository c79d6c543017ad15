import type { Log } from '@smartstack/daemon';

import type { OpenedPlace } from '../announce/reporters/reporter.ts';
import type { Place } from '../announce/reporters/table.ts';
import type { TtlReports } from '../checks/ttl-reports.ts';
import type { ServiceConfig } from '../config/config.ts';
import { type CheckStatus, createMonitor, type Monitor } from '../health/monitor.ts';
import { type CheckReport, planChecks, recorderOf, runOnce } from '../health/planned-checks.ts';
import type { Schedule } from '../health/schedule.ts';
import type { ServiceMeasures } from '../metrics/metrics.ts';
import type { Override } from '../operator/overrides.ts';
import { type RegistrationsStatus, sumUp } from './registrations.ts';
import { createServicePlace, type ServicePlace } from './service-place.ts';
import { createServiceState, type StateStatus } from './state.ts';
import { runTogether } from './tasks.ts';

export interface ServiceDeps {
  /** The registry of one of its places. */
  open(place: Place): OpenedPlace;
  readonly log: Log;
  readonly measures: ServiceMeasures;
  /** Where in the interval each check starts, from 0 to 1, in the order of the configuration. */
  readonly phases: readonly number[];
  readonly ttlReports: TtlReports;
  readonly schedule: Schedule;
  /** The operator's override that was set before. */
  readonly override: Override;
  /** Whether records of an earlier nerve at a place were all taken over or withdrawn. */
  isCleared?(place: Place): boolean;
  /** Ends withdrawals that the registry does not confirm. */
  readonly stopWithdrawing?: AbortSignal | undefined;
}

/** The status of one service as JSON. */
export interface ServiceStatus extends StateStatus, RegistrationsStatus {
  readonly checks: readonly CheckStatus[];
}

/** One service of this machine. */
export interface Service {
  readonly name: string;
  /**
   * Checks it and announces it while all of its checks pass, until the signal aborts; then it is
   * withdrawn. The checks never wait for a registry, nor does one registry for another.
   */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves once it was checked and, if it is up, is in all of its registries. */
  readonly reported: Promise<void>;
  /** Each of its registries. */
  readonly places: readonly Pick<ServicePlace, 'key' | 'reported' | 'leave'>[];
  status(): ServiceStatus;
  /** By how many milliseconds its checks are overdue, which they are only when something hangs. */
  overdue(): number;
  /** Applies an operator's override from now on. */
  setOverride(override: Override): void;
  /** Runs its checks once, beside the regular runs, and changes nothing. */
  check(signal: AbortSignal): Promise<readonly CheckReport[]>;
}

/** Creates a service; `run` starts it. */
export function createService(config: ServiceConfig, deps: ServiceDeps): Service {
  const { log, measures, ttlReports, phases, schedule, override } = deps;
  const places = createPlaces(config, deps);
  let monitor: Monitor | undefined;

  const state = createServiceState(config, {
    log,
    measures,
    override,
    onDesired: (instance) => {
      for (const place of places) place.desire(instance);
    },
    onDecided: ({ instance, reason }) => {
      if (!instance && reason !== 'not checked yet') for (const place of places) place.settle();
    },
  });

  async function run(signal: AbortSignal): Promise<void> {
    state.begin();
    for (const place of places) place.desire(undefined);
    const planned = await planChecks(config, ttlReports, phases);
    const onResult = recorderOf(planned, measures);
    const checks = createMonitor(planned, { schedule, onResult, onChange: state.change });
    monitor = checks;
    try {
      await runTogether([...places.map(({ keep }) => keep), (own) => checks.run(own)], signal);
    } finally {
      state.end();
    }
  }

  return {
    name: config.name,
    run,
    reported: Promise.all(places.map(({ reported }) => reported)).then(() => {}),
    places,
    overdue: () => monitor?.overdue() ?? 0,
    status: () => {
      const instance = places.map(({ confirmed }) => confirmed()).find((each) => each);
      return {
        ...state.status(),
        ...(instance && { instance }),
        ...sumUp(places.map((place) => place.status())),
        checks: monitor?.checks() ?? [],
      };
    },
    setOverride: state.setOverride,
    check: (signal) => runOnce(config, ttlReports, signal),
  };
}

function createPlaces(
  { places }: ServiceConfig,
  { open, measures, log, isCleared, stopWithdrawing }: ServiceDeps,
): readonly ServicePlace[] {
  return places.map((place) => {
    const name = places.length > 1 ? place.registry : undefined;
    return createServicePlace({
      place,
      opened: open(place),
      log: name === undefined ? log : log.child({ registry: name }),
      measures: measures.at(name),
      isCleared: () => isCleared?.(place) ?? false,
      stopWithdrawing,
    });
  });
}
