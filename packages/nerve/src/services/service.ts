import { createLatest, type Log } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';

import { type Announcing, keepAnnounced } from '../announce/announcer.ts';
import type { TtlReports } from '../checks/ttl-reports.ts';
import type { ServiceConfig } from '../config/config.ts';
import { type CheckStatus, createMonitor, type Monitor } from '../health/monitor.ts';
import { type CheckReport, planChecks, recorderOf, runOnce } from '../health/planned-checks.ts';
import type { Schedule } from '../health/schedule.ts';
import type { ServiceMeasures } from '../metrics/metrics.ts';
import type { Override } from '../operator/overrides.ts';
import { createRegistration, type RegistrationStatus } from './registration.ts';
import { createServiceState, type StateStatus } from './state.ts';
import { runTogether } from './tasks.ts';

export interface ServiceDeps {
  readonly registry: Announcing;
  readonly log: Log;
  readonly measures: ServiceMeasures;
  /** Where in the interval each check starts, from 0 to 1, in the order of the configuration. */
  readonly phases: readonly number[];
  readonly ttlReports: TtlReports;
  readonly schedule: Schedule;
  /** The operator's override that was set before. */
  readonly override: Override;
  /** Whether its path has records of an earlier nerve that this one has neither taken over nor withdrawn. */
  hasInherited?(): boolean;
  /** Ends withdrawals that the registry does not confirm. */
  readonly stopWithdrawing?: AbortSignal | undefined;
}

/** The status of one service as JSON. */
export interface ServiceStatus extends StateStatus, RegistrationStatus {
  /** Where it is announced. */
  readonly path: string;
  readonly checks: readonly CheckStatus[];
}

/** One service of this machine. */
export interface Service {
  readonly name: string;
  /**
   * Checks it and announces it while all of its checks pass, until the signal aborts; then it is
   * withdrawn. The checks never wait for the registry.
   */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves once it was checked and, if it is up, is in the registry. */
  readonly reported: Promise<void>;
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
  const { log, measures, registry, ttlReports, phases, schedule, override } = deps;
  const { stopWithdrawing } = deps;
  const { path } = config.place;
  /** The instances to announce; undefined for none. */
  const instances = createLatest<Instance | undefined>();
  const reported = createEvent();
  const registration = createRegistration(measures, reported.happen);
  let desired: Instance | undefined;
  let monitor: Monitor | undefined;

  const state = createServiceState(config, {
    log,
    measures,
    override,
    onDesired: (instance) => {
      desired = instance;
      instances.set(instance);
    },
    onDecided: ({ instance, reason }) => {
      if (!instance && reason !== 'not checked yet') reported.happen();
    },
  });

  /** Assumes that there are records when that cannot be determined. */
  function hasInherited(): boolean {
    try {
      return deps.hasInherited?.() ?? false;
    } catch {
      return true;
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    state.begin();
    desired = undefined;
    const planned = await planChecks(config, ttlReports, phases);
    const onResult = recorderOf(planned, measures);
    const checks = createMonitor(planned, { schedule, onResult, onChange: state.change });
    monitor = checks;
    const announcer = { registry, path, log, stopWithdrawing, ...registration.events };
    try {
      await runTogether(
        [(own) => keepAnnounced(instances, announcer, own), (own) => checks.run(own)],
        signal,
      );
    } finally {
      state.end();
    }
  }

  return {
    name: config.name,
    run,
    reported: reported.happened,
    overdue: () => monitor?.overdue() ?? 0,
    status: () => {
      const instance = registration.confirmed();
      const registered = registration.status(desired);
      return {
        ...state.status(),
        ...(instance && { instance }),
        ...registered,
        may_stand: registered.may_stand || hasInherited(),
        path,
        checks: monitor?.checks() ?? [],
      };
    },
    setOverride: state.setOverride,
    check: (signal) => runOnce(config, ttlReports, signal),
  };
}

/** A promise that the caller resolves. */
function createEvent() {
  let happen = () => {};
  const happened = new Promise<void>((resolve) => {
    happen = resolve;
  });
  return { happened, happen: () => happen() };
}
