import { createProbe, type Result } from '../checks/probe.ts';
import { createCheck } from '../checks/table.ts';
import type { TtlReports } from '../checks/ttl-reports.ts';
import { checkDepsOf, type ServiceConfig } from '../config/config.ts';
import type { ServiceMeasures } from '../metrics/metrics.ts';
import type { PlannedCheck } from './monitor.ts';

/** The result of one run of a named check. */
export interface CheckReport extends Result {
  readonly name: string;
}

/** A service's checks, ready to run; `phases` gives where in its interval each of them starts, from 0 to 1. */
export function planChecks(
  service: ServiceConfig,
  ttlReports: TtlReports,
  phases: readonly number[] = [],
): Promise<readonly PlannedCheck[]> {
  return Promise.all(
    service.checks.map(async (config, index) => ({
      check: await createCheck(config, checkDepsOf(service, ttlReports)),
      timeout: config.timeout,
      rise: config.rise,
      fall: config.fall,
      interval: service.checkInterval,
      phase: phases[index] ?? 0,
      // A service that reports its own health needs time for its first report after nerve's start.
      grace: Math.max(service.policy.startGrace, config.type === 'ttl' ? config.ttl : 0),
    })),
  );
}

/** Runs a service's checks once, side by side, each under its own deadline. */
export async function runOnce(
  service: ServiceConfig,
  ttlReports: TtlReports,
  signal: AbortSignal,
): Promise<readonly CheckReport[]> {
  const planned = await planChecks(service, ttlReports);
  return Promise.all(
    planned.map(async ({ check, timeout }) => ({
      name: check.name,
      ...(await createProbe(check, timeout, signal)()),
    })),
  );
}

/** Measures each result under its check's name. */
export function recorderOf(planned: readonly PlannedCheck[], measures: ServiceMeasures) {
  const recorders = new Map(planned.map((each) => [each, measures.check(each.check.name)]));
  return (check: PlannedCheck, { passed, took }: Result) => recorders.get(check)?.(passed, took);
}
