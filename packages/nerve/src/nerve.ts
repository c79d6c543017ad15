import { once, setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { createBackoff, type Log, type Metrics, serveStatus } from '@smartstack/daemon';
import type { OpenedRegistries } from '@smartstack/registry';

import type { Announcing } from './announcer.ts';
import type { Config } from './config.ts';
import { keepHeartbeat } from './heartbeat.ts';
import { both, createMeasures, type ServiceMeasures } from './measures.ts';
import type { Place } from './reporters/reporter.ts';
import { phaseOf } from './schedule.ts';
import { createService, type Service } from './service.ts';
import { createStatsd, type Statsd, statsdMeasures } from './statsd.ts';
import { runTogether } from './tasks.ts';

export interface NerveDeps {
  readonly registries: OpenedRegistries;
  readonly log: Log;
  readonly metrics: Metrics;
  /** How long withdrawing everything may take at the end, in milliseconds. Default 7,000. */
  readonly withdrawDeadline?: number;
}

/**
 * Checks and announces every configured service until the signal aborts; then withdraws all of them and
 * returns. What could not be withdrawn by the deadline is left for the registries' end to clear.
 */
export async function runNerve(
  config: Config,
  deps: NerveDeps,
  signal: AbortSignal,
): Promise<void> {
  const { log, metrics } = deps;
  // Every service listens to the one signal.
  setMaxListeners(0, signal);
  using statsd = config.statsd && createStatsd(config.statsd);
  const services = createServices(config, deps, statsd);
  const checks = config.services.reduce((sum, service) => sum + service.checks.length, 0);
  log.info({ instance: config.instanceId, services: services.length, checks }, 'checking');
  const tasks = [(own: AbortSignal) => runServices(services, deps, own)];
  const { statusAddress: address, heartbeatPath } = config;
  if (address) {
    const parts = {
      metrics,
      ready: () => ready(services),
      status: () => statusOf(config, services),
    };
    tasks.push((own) => serveStatus(address, { ...parts, log }, own));
  }
  if (heartbeatPath) tasks.push((own) => keepHeartbeat(heartbeatPath, log, own));
  await runTogether(tasks, signal);
}

function createServices(
  config: Config,
  { registries, log, metrics }: NerveDeps,
  statsd: Statsd | undefined,
): readonly Service[] {
  const measure = createMeasures(metrics);
  const measuresOf = (name: string): ServiceMeasures =>
    statsd ? both(measure(name), statsdMeasures(statsd, name)) : measure(name);
  let checks = 0;
  return config.services.map((service) => {
    const own = log.child({ service: service.name });
    if (service.checks.length === 0) own.warn('service has no checks: announced as it is');
    return createService(service, {
      registry: openPlace(registries, service.place),
      log: own,
      measures: measuresOf(service.name),
      phases: service.checks.map(() => phaseOf(checks++)),
    });
  });
}

function openPlace(registries: OpenedRegistries, { address, form = {} }: Place): Announcing {
  if (address.type !== 'zookeeper') return registries.open(address);
  const { announceAs } = registries.openZooKeeper(address.hosts);
  return { announce: (path, instance, signal) => announceAs(form, path, instance, signal) };
}

async function runServices(
  services: readonly Service[],
  { log, withdrawDeadline = 7000 }: NerveDeps,
  signal: AbortSignal,
): Promise<void> {
  const running = services.map((service) => keepRunning(service, log, signal));
  if (!signal.aborted) await once(signal, 'abort');
  const late = sleep(withdrawDeadline, 'late', { ref: false });
  if ((await Promise.race([Promise.all(running), late])) === 'late')
    log.error({ withdrawDeadline }, 'not everything was withdrawn in time');
}

/** Runs one service's task, again should it fail: a fault in one service is loud but never ends the others. */
async function keepRunning(service: Service, log: Log, signal: AbortSignal): Promise<void> {
  const backoff = createBackoff({ base: 1000, max: 30_000 });
  while (!signal.aborted) {
    try {
      await service.run(signal);
    } catch (error) {
      log.error({ service: service.name, err: error }, 'service failed, starting it again');
      await backoff.wait(signal).catch(() => {});
    }
  }
}

/** Every service was checked, and those that are up stand in the registry. */
function ready(services: readonly Service[]): boolean {
  return services.every((service) => {
    const { state, announced, because } = service.status();
    return state !== 'unknown' && (announced || because !== 'up');
  });
}

function statusOf({ instanceId }: Config, services: readonly Service[]): object {
  return {
    instance_id: instanceId,
    services: Object.fromEntries(services.map((service) => [service.name, service.status()])),
  };
}
