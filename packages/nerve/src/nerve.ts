import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

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
import { clearLeftovers } from './announce/stale-records.ts';
import { type Beats, createBeats, takeBeats } from './checks/ttl-reports.ts';
import type { Config } from './config/config.ts';
import { keepHeartbeat } from './heartbeat.ts';
import { statsdLife } from './metrics/statsd.ts';
import { serveControl } from './operator/control.ts';
import type { Orders } from './operator/overrides.ts';
import { createNervePage, isAway } from './page/page.ts';
import { fleetDeps } from './services/parts.ts';
import { createFleet, type Fleet } from './services/services.ts';
import { runTogether, untilAborted } from './services/tasks.ts';

export interface NerveDeps {
  readonly registries: OpenedRegistries;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Configurations that take the place of the first one, until aborted. */
  reloads(signal: AbortSignal): AsyncIterable<Config>;
  readonly orders: Orders;
  /** Aborts the signal with a `HandOff`. */
  handOff(): void;
  /** How long withdrawing everything may take at the end, in milliseconds. Default 7,000. */
  readonly withdrawDeadline?: number;
}

/**
 * Checks and announces every configured service until the signal aborts; then withdraws all of them and
 * returns, or leaves them as they are for a `HandOff`. What could not be withdrawn by the deadline is left
 * for the registries' end to clear.
 */
export async function runNerve(
  config: Config,
  deps: NerveDeps,
  signal: AbortSignal,
): Promise<void> {
  const { log } = deps;
  using statsd = config.statsd && createStatsd(config.statsd);
  const services = new AbortController();
  const beats = createBeats();
  const journal = createJournal();
  const life = statsd && statsdLife(statsd);
  const giveUp = new AbortController();
  const cleared = new Set<string>();
  const made = fleetDeps({ ...deps, beats, statsd, journal, cleared, giveUp: giveUp.signal });
  const fleet = createFleet(made, services.signal);
  try {
    life?.started();
    fleet.apply(config.services);
    log.info({ instance: config.instanceId, services: config.services.length }, 'checking');
    const configured = () => life?.configured();
    await runTogether(
      sideTasks(config, { ...deps, fleet, beats, journal, cleared, configured }),
      signal,
    );
  } finally {
    services.abort(signal.reason);
    await withdrawn(fleet, deps);
    giveUp.abort();
    life?.stopped();
  }
  if (!(signal.reason instanceof HandOff)) await sleep(config.drain);
}

interface Parts extends NerveDeps {
  readonly fleet: Fleet;
  readonly beats: Beats;
  readonly journal: Journal;
  readonly cleared: Set<string>;
  /** Told when another configuration is in place. */
  configured(): void;
}

interface SideTask {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

/** None of them ends nerve, which would withdraw what is healthy: what fails is run again. */
function keepGoing({ name, run }: SideTask, log: Log) {
  const failed = (error: unknown) =>
    log.error({ task: name, err: error, fix: 'it is tried again' }, 'a part of nerve failed');
  return (signal: AbortSignal) => keepRunning(run, failed, signal);
}

/** All that goes on beside the services, until aborted. */
function sideTasks(config: Config, parts: Parts) {
  const { fleet, beats, journal, log, metrics, registries } = parts;
  const { statusAddress: address, heartbeatPath, stateDirectory } = config;
  const status = () => statusOf(config, fleet, isAway(registries.lastUnwell()));
  const tasks: SideTask[] = [
    { name: 'reload', run: (own) => followReloads(config, parts, own) },
    { name: 'leftovers', run: (own) => clearLeftovers(config.services, parts, own) },
    {
      name: 'supervisor',
      run: (own) =>
        tellSupervisor({ ready: () => ready(fleet), works: () => works(fleet), log }, own),
    },
  ];
  if (address) {
    const answer = takeBeats((name) => fleet.services().some((each) => each.name === name), beats);
    const page = createNervePage({
      instance: config.instanceId,
      version: versionOf(import.meta.url),
      fleet,
      journal,
      lastUnwell: registries.lastUnwell,
    });
    const served = { metrics, ready: () => ready(fleet), status, answer, page, log };
    tasks.push({ name: 'status', run: (own) => serveStatus(address, served, own) });
  }
  if (stateDirectory)
    tasks.push({
      name: 'commands',
      run: (own) => serveControl(stateDirectory, { ...parts, status }, own),
    });
  if (heartbeatPath)
    tasks.push({ name: 'heartbeat', run: (own) => keepHeartbeat(heartbeatPath, log, own) });
  return [untilAborted, ...tasks.map((task) => keepGoing(task, log))];
}

/** Puts each new configuration's services in place; what else changed has to wait for a restart. */
async function followReloads(
  first: Config,
  { fleet, log, reloads, configured }: Parts,
  signal: AbortSignal,
): Promise<void> {
  for await (const next of reloads(signal)) {
    fleet.apply(next.services);
    const keys = Object.keys(first).filter(
      (key) =>
        key !== 'services' &&
        !isDeepStrictEqual(first[key as keyof Config], next[key as keyof Config]),
    );
    log.info({ services: next.services.length }, 'configuration read again');
    configured();
    if (keys.length > 0)
      log.warn({ keys, fix: 'systemctl restart nerve' }, 'these keys have to wait for a restart');
  }
}

async function withdrawn(
  fleet: Fleet,
  { log, registries, withdrawDeadline = 7000 }: NerveDeps,
): Promise<void> {
  const late = sleep(withdrawDeadline, 'late', { ref: false });
  if ((await Promise.race([fleet.ended(), late])) !== 'late') return;
  const standing = fleet.services().filter((service) => {
    const { announced, may_stand: mayStand } = service.status();
    return announced || mayStand;
  });
  log.error(
    {
      withdrawDeadline,
      services: standing.map(({ name }) => name),
      reason: isAway(registries.lastUnwell())
        ? 'the registry does not answer'
        : 'the registry has not confirmed it',
      fix: 'their records may be used until the session of this nerve ends; a persistent one is to be deleted by hand',
    },
    'not everything was withdrawn in time',
  );
}

/** Every service was checked, and those that are up stand in the registry. */
function ready(fleet: Fleet): boolean {
  return fleet.services().every((service) => {
    const { state, announced, because } = service.status();
    return state !== 'unknown' && (announced || because !== 'up');
  });
}

/** A service that failed is started again within half a minute; checks that come later than that are stuck. */
function works(fleet: Fleet): boolean {
  return fleet.services().every((service) => service.overdue() < 60_000);
}

function statusOf({ instanceId }: Config, fleet: Fleet, registryAway: boolean): object {
  return {
    instance_id: instanceId,
    registry_away: registryAway,
    services: Object.fromEntries(
      fleet.services().map((service) => [service.name, service.status()]),
    ),
  };
}
