import { once, setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { createBackoff, type Log } from '@smartstack/daemon';
import type { Registries } from '@smartstack/registry';

import type { Config, ServiceConfig } from './config.ts';
import { phaseOf } from './schedule.ts';
import { runService, type ServiceDeps } from './service.ts';

export interface NerveDeps {
  readonly registries: Registries;
  readonly log: Log;
  /** How long withdrawing everything may take at the end, in milliseconds. Default 7,000. */
  readonly withdrawDeadline?: number;
}

/**
 * Checks and announces every configured service until the signal aborts; then withdraws all of them and
 * returns. What could not be withdrawn by the deadline is left for the registries' end to clear.
 */
export async function runNerve(
  config: Config,
  { registries, log, withdrawDeadline = 7000 }: NerveDeps,
  signal: AbortSignal,
): Promise<void> {
  // Every service listens to the one signal.
  setMaxListeners(0, signal);
  let checks = 0;
  const services = config.services.map((service) => {
    const deps = {
      registry: registries.open(service.place.address),
      log: log.child({ service: service.name }),
      phases: service.checks.map(() => phaseOf(checks++)),
    };
    if (service.checks.length === 0) deps.log.warn('service has no checks: announced as it is');
    return keepRunning(service, deps, signal);
  });
  log.info({ instance: config.instanceId, services: services.length, checks }, 'checking');
  if (!signal.aborted) await once(signal, 'abort');
  const late = sleep(withdrawDeadline, 'late', { ref: false });
  if ((await Promise.race([Promise.all(services), late])) === 'late')
    log.error({ withdrawDeadline }, 'not everything was withdrawn in time');
}

/** Runs one service's task, again should it fail: a fault in one service is loud but never ends the others. */
async function keepRunning(
  service: ServiceConfig,
  deps: ServiceDeps,
  signal: AbortSignal,
): Promise<void> {
  const backoff = createBackoff({ base: 1000, max: 30_000 });
  while (!signal.aborted) {
    try {
      await runService(service, deps, signal);
    } catch (error) {
      deps.log.error({ err: error }, 'service failed, starting it again');
      await backoff.wait(signal).catch(() => {});
    }
  }
}
