import { createLatest, type Log } from '@smartstack/daemon';
import type { Instance, Registry } from '@smartstack/registry';

import { keepAnnounced } from './announcer.ts';
import type { Check } from './checks/check.ts';
import { createCheck } from './checks/table.ts';
import { checkDepsOf, type ServiceConfig } from './config.ts';
import { type Health, judge, type Limits, stateOf } from './health.ts';
import { createProbe, type Result } from './probe.ts';
import { every } from './schedule.ts';
import { runTogether } from './tasks.ts';

export interface ServiceDeps {
  readonly registry: Registry;
  readonly log: Log;
  /** Where in the interval each check stands, from 0 to 1, in the order of the configuration. */
  readonly phases: readonly number[];
}

/**
 * Checks one service and announces it while all of its checks pass, until the signal aborts; then it is
 * withdrawn. The registry never holds up the checks: it is told of changes beside them.
 */
export async function runService(
  config: ServiceConfig,
  { registry, log, phases }: ServiceDeps,
  signal: AbortSignal,
): Promise<void> {
  const wishes = createLatest<Instance | undefined>();
  const checks = await plannedChecks(config, phases);
  const onResult = createJudge(checks, log, (up) => wishes.set(up ? config.instance : undefined));
  if (checks.length === 0) wishes.set(config.instance);
  const { path } = config.place;
  await runTogether(
    [
      (taskSignal) => keepAnnounced(wishes, { registry, path, log }, taskSignal),
      ...checks.map(
        (planned) => (taskSignal: AbortSignal) => runCheck(planned, onResult, taskSignal),
      ),
    ],
    signal,
  );
}

/** A check with how it is run and judged; times in milliseconds. */
interface PlannedCheck extends Limits {
  readonly check: Check;
  readonly timeout: number;
  readonly interval: number;
  readonly phase: number;
}

function plannedChecks(
  service: ServiceConfig,
  phases: readonly number[],
): Promise<readonly PlannedCheck[]> {
  return Promise.all(
    service.checks.map(async (config, index) => ({
      check: await createCheck(config, checkDepsOf(service)),
      timeout: config.timeout,
      rise: config.rise,
      fall: config.fall,
      interval: service.checkInterval,
      phase: phases[index] ?? 0,
    })),
  );
}

type OnResult = (planned: PlannedCheck, result: Result) => void;

/** Runs one check whenever it is due, one run at a time. */
async function runCheck(
  planned: PlannedCheck,
  onResult: OnResult,
  signal: AbortSignal,
): Promise<void> {
  const { check, timeout, interval, phase } = planned;
  const probe = createProbe(check, timeout, signal);
  const run = async () => {
    const result = await probe();
    if (!signal.aborted) onResult(planned, result);
  };
  await every(interval, phase, run, signal);
}

/** Takes the results of a service's checks; reports and logs when the service comes up or goes down. */
function createJudge(
  checks: readonly PlannedCheck[],
  log: Log,
  onChange: (up: boolean) => void,
): OnResult {
  const healths = new Map<PlannedCheck, Health | undefined>(
    checks.map((planned) => [planned, undefined]),
  );
  let state: 'up' | 'down' | undefined;
  return (planned, { passed, reason }) => {
    const before = healths.get(planned);
    const health = judge(before, passed, planned);
    if (health === before) return;
    healths.set(planned, health);
    const next = stateOf([...healths.values()]);
    if (next === undefined || next === state) return;
    state = next;
    if (next === 'up') log.info('service is up');
    else log.warn({ check: planned.check.name, reason }, 'service is down');
    onChange(next === 'up');
  };
}
