import { isDeepStrictEqual } from 'node:util';

import { createLatest, type Log } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';

import { type Announcing, keepAnnounced } from '../announce/announcer.ts';
import type { Beats } from '../checks/ttl-reports.ts';
import type { ServiceConfig } from '../config/config.ts';
import { type CheckStatus, createMonitor, type Monitor } from '../health/monitor.ts';
import { type CheckReport, planChecks, recorderOf, runOnce } from '../health/planned-checks.ts';
import type { Schedule } from '../health/schedule.ts';
import type { ServiceMeasures } from '../metrics/metrics.ts';
import type { Order } from '../operator/overrides.ts';
import { createStanding, type StandingStatus } from './state.ts';
import { runTogether, untilAborted } from './tasks.ts';

export interface ServiceDeps {
  readonly registry: Announcing;
  readonly log: Log;
  readonly measures: ServiceMeasures;
  /** Where in the interval each check stands, from 0 to 1, in the order of the configuration. */
  readonly phases: readonly number[];
  readonly beats: Beats;
  readonly schedule: Schedule;
  /** What an operator ordered before. */
  readonly order: Order;
  /** Whether records of an earlier nerve stand at its path, which this one has neither taken over nor withdrawn. */
  hasInherited?(): boolean;
  /** Ends withdrawals that the registry does not confirm. */
  readonly giveUp?: AbortSignal | undefined;
}

/** What is known of a service: JSON-safe. */
export interface ServiceStatus extends StandingStatus {
  /** Whether it stands in the registry, and where. */
  readonly announced: boolean;
  /** Whether a record may stand there: it does, or the registry has not answered what was asked of it. */
  readonly may_stand: boolean;
  /** Whether the registry has confirmed all that it is to have of the service, or that it has nothing. */
  readonly confirmed: boolean;
  /** Why the registry, or the service itself, fails at what it is to do now; it is tried again. */
  readonly trouble?: string;
  readonly path: string;
  readonly checks: readonly CheckStatus[];
}

/** One service of this machine. */
export interface Service {
  readonly name: string;
  /**
   * Checks it and announces it while all of its checks pass, until the signal aborts; then it is
   * withdrawn. The registry never holds up the checks: it is told of changes beside them.
   */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves once it was judged and, if it is up, stands in the registry. */
  readonly reported: Promise<void>;
  status(): ServiceStatus;
  /** By how many milliseconds its checks are overdue, which they are only when something is stuck. */
  overdue(): number;
  /** Does as an operator orders, from now on. */
  obey(order: Order): void;
  /** Runs its checks once, beside the regular runs, and changes nothing. */
  check(signal: AbortSignal): Promise<readonly CheckReport[]>;
}

export function createService(config: ServiceConfig, deps: ServiceDeps): Service {
  const { log, measures, registry, beats, phases, schedule, order, giveUp } = deps;
  const { path } = config.place;
  const wishes = createLatest<Instance | undefined>();
  const reported = createOccasion();
  let announced = false;
  let mayStand = false;
  let shown: Instance | undefined;
  let wished: Instance | undefined;
  let isSure = false;
  let trouble: string | undefined;
  let monitor: Monitor | undefined;

  const standing = createStanding(config, {
    log,
    measures,
    order,
    onWish: (instance) => {
      wished = instance;
      wishes.set(instance);
    },
    onDecided: ({ instance, reason }) => {
      if (!instance && reason !== 'not checked yet') reported.arise();
    },
  });
  const announcing = {
    registry,
    log,
    path,
    onBegin: () => {
      mayStand = true;
    },
    onShown: (instance: Instance) => {
      shown = instance;
      isSure = true;
    },
    onGone: () => {
      mayStand = false;
    },
    onStand: (took: number) => {
      announced = true;
      reported.arise();
      measures.announced(took);
    },
    onWithdraw: () => {
      announced = false;
      measures.withdrawn();
    },
    onTrouble: (reason: string | undefined) => {
      trouble = reason;
      // What failed may have been done all the same.
      if (reason !== undefined) isSure = false;
      if (reason !== undefined) measures.registryError();
    },
    ...(giveUp && { giveUp }),
  };

  /** What cannot be told may stand. */
  function hasInherited(): boolean {
    try {
      return deps.hasInherited?.() ?? false;
    } catch {
      return true;
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    standing.begin();
    wished = undefined;
    const planned = await planChecks(config, beats, phases);
    const onResult = recorderOf(planned, measures);
    const watched = createMonitor(planned, { schedule, onResult, onChange: standing.change });
    monitor = watched;
    try {
      await runTogether(
        [(own) => keepAnnounced(wishes, announcing, own), (own) => watched.run(own)],
        signal,
      );
    } finally {
      standing.end();
    }
  }

  return {
    name: config.name,
    run,
    reported: reported.arisen,
    overdue: () => monitor?.overdue() ?? 0,
    status: () => ({
      ...standing.status(),
      ...(announced && shown && { instance: shown }),
      announced,
      may_stand: mayStand || hasInherited(),
      confirmed: wished
        ? announced && isSure && isDeepStrictEqual(shown, wished)
        : !announced && !mayStand,
      ...(trouble !== undefined && { trouble }),
      path,
      checks: monitor?.checks() ?? [],
    }),
    obey: standing.obey,
    check: (signal) => runOnce(config, beats, signal),
  };
}

/** A service that cannot be made, which is shown with the reason and does nothing. */
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
    obey: () => {},
    check: async () => [],
  };
}

/** Something that happens once, and can be waited for. */
function createOccasion() {
  let arise = () => {};
  const arisen = new Promise<void>((resolve) => {
    arise = resolve;
  });
  return { arisen, arise: () => arise() };
}
