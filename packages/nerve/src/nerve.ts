import { setTimeout as sleep } from 'node:timers/promises';

import {
  createJournal,
  createStatsd,
  type Journal,
  keepRunning,
  type Log,
  type Metrics,
  serveStatus,
  tellSupervisor,
  versionOf,
} from '@smartstack/daemon';
import type { OpenedRegistries } from '@smartstack/registry';
import { HandOff } from './announce/hand-off.ts';
import { type Cleared, createCleared, withdrawStaleRecords } from './announce/stale-records.ts';
import { acceptTtlReports, createTtlReports, type TtlReports } from './checks/ttl-reports.ts';
import type { Config } from './config/config.ts';
import { keepHeartbeat } from './heartbeat.ts';
import { statsdLife } from './metrics/statsd.ts';
import { serveControl } from './operator/control.ts';
import type { Overrides } from './operator/overrides.ts';
import { createNervePage } from './page/page.ts';
import { isAway } from './services/away.ts';
import { applyReloads } from './services/reload.ts';
import { serviceFactory } from './services/service-factory.ts';
import { createServices, type Services } from './services/services.ts';
import { isReady, isWorking, statusOf } from './services/status.ts';
import { runTogether, untilAborted } from './services/tasks.ts';
import { awaitWithdrawal } from './services/withdrawal-deadline.ts';

export interface NerveDeps {
  readonly registries: OpenedRegistries;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Configurations that replace the first one, until aborted. */
  reloads(signal: AbortSignal): AsyncIterable<Config>;
  readonly overrides: Overrides;
  /** Aborts the signal with a `HandOff`. */
  handOff(): void;
  /**
   * How long withdrawing everything may take at the end, in milliseconds. Default 7,000: by then the client of a
   * registry of which one server hangs has withdrawn at another (decision 16).
   */
  readonly withdrawDeadline?: number;
}

/**
 * Checks and announces every configured service until the signal aborts; then withdraws all of them and
 * returns, or leaves them as they are for a `HandOff`. What could not be withdrawn by the deadline is
 * removed when the registries are closed.
 */
export async function runNerve(
  config: Config,
  deps: NerveDeps,
  signal: AbortSignal,
): Promise<void> {
  const { log, registries, withdrawDeadline: deadline = 7000 } = deps;
  using statsd = config.statsd && createStatsd(config.statsd);
  const ttlReports = createTtlReports();
  const journal = createJournal();
  const life = statsd && statsdLife(statsd);
  const running = new AbortController();
  const withdrawing = new AbortController();
  const cleared = createCleared();
  const stopWithdrawing = withdrawing.signal;
  const services = createServices(
    serviceFactory({ ...deps, ttlReports, statsd, journal, cleared, stopWithdrawing }),
    running.signal,
  );
  try {
    life?.started();
    services.apply(config.services);
    log.info({ instance: config.instanceId, services: config.services.length }, 'checking');
    const configured = () => life?.configured();
    await runTogether(
      sideTasks(config, { ...deps, services, ttlReports, journal, cleared, configured }),
      signal,
    );
  } finally {
    running.abort(signal.reason);
    const away = () => isAway(registries.lastUnhealthy());
    await awaitWithdrawal(services, { log, isAway: away, deadline });
    withdrawing.abort();
    life?.stopped();
  }
  if (!(signal.reason instanceof HandOff)) await sleep(config.drain);
}

interface SideTaskDeps extends NerveDeps {
  readonly services: Services;
  readonly ttlReports: TtlReports;
  readonly journal: Journal;
  readonly cleared: Cleared;
  /** Called when another configuration is in effect. */
  configured(): void;
}

interface SideTask {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

/** A task that fails is run again: its failure must not end nerve, which would withdraw healthy services. */
function keepGoing({ name, run }: SideTask, log: Log) {
  const failed = (error: unknown) =>
    log.error({ task: name, err: error, fix: 'it is tried again' }, 'a part of nerve failed');
  return (signal: AbortSignal) => keepRunning(run, failed, signal);
}

/** The tasks that run beside the services, until aborted. */
function sideTasks(config: Config, deps: SideTaskDeps) {
  const { services, log, registries } = deps;
  const { instanceId, statusAddress: address, heartbeatPath, stateDirectory } = config;
  const status = () => statusOf(instanceId, services, isAway(registries.lastUnhealthy()));
  const ready = () => isReady(services);
  const works = () => isWorking(services);
  const tasks: SideTask[] = [
    { name: 'reload', run: (own) => applyReloads(config, deps, own) },
    { name: 'stale records', run: (own) => withdrawStaleRecords(config.services, deps, own) },
    { name: 'supervisor', run: (own) => tellSupervisor({ ready, works, log }, own) },
  ];
  if (address) {
    const served = { ...pagesOf(instanceId, deps), ready, status };
    tasks.push({ name: 'status', run: (own) => serveStatus(address, served, own) });
  }
  if (stateDirectory)
    tasks.push({
      name: 'commands',
      run: (own) => serveControl(stateDirectory, { ...deps, status }, own),
    });
  if (heartbeatPath)
    tasks.push({ name: 'heartbeat', run: (own) => keepHeartbeat(heartbeatPath, log, own) });
  return [untilAborted, ...tasks.map((task) => keepGoing(task, log))];
}

/** What is served beside readiness and status: metrics, TTL reports and the page. */
function pagesOf(instance: string, deps: SideTaskDeps) {
  const { services, ttlReports, journal, metrics, log, registries } = deps;
  const isService = (name: string) => services.all().some((each) => each.name === name);
  const answer = acceptTtlReports(isService, ttlReports);
  const version = versionOf(import.meta.url);
  const { lastUnhealthy } = registries;
  const page = createNervePage({ instance, version, services, journal, lastUnhealthy });
  return { metrics, answer, page, log };
}
