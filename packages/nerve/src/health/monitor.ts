import type { Check } from '../checks/check.ts';
import { createProbe, type Result } from '../checks/probe.ts';
import { runTogether } from '../services/tasks.ts';
import { type Health, judge, type Limits, stateOf } from './health.ts';
import type { Schedule } from './schedule.ts';

/** A check with how it is run and judged; times in milliseconds. */
export interface PlannedCheck extends Limits {
  readonly check: Check;
  readonly timeout: number;
  readonly interval: number;
  /** Where in its interval it starts, from 0 to 1. */
  readonly phase: number;
  /** For how long after the start failures do not count: they neither decide nor bring anything down. */
  readonly grace: number;
}

export type State = 'unknown' | 'up' | 'down';

/** The status of one check as JSON. */
export interface CheckStatus {
  readonly name: string;
  readonly state: State;
  /** Of the latest run: how long it took in milliseconds, when it ended, and why it failed. */
  readonly took?: number;
  readonly at?: Date;
  readonly reason?: string;
}

/** A change of a service's health. */
export interface HealthChange {
  readonly state: 'up' | 'down';
  /** The check that decided, and why it failed. */
  readonly check?: string;
  readonly reason?: string;
}

export interface MonitorDeps {
  readonly schedule: Schedule;
  onResult?(check: PlannedCheck, result: Result): void;
  onChange(change: HealthChange): void;
}

export interface Monitor {
  /** Runs the checks, each at its own pace, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  checks(): readonly CheckStatus[];
  /** By how many milliseconds the check that is most overdue is; 0 when none is. */
  overdue(): number;
}

/** The latest of one check; changed in place, so that a thousand results a second need no new objects. */
interface CheckRecord {
  health: Health | undefined;
  result: Result | undefined;
  /** The wall clock's milliseconds. */
  at: number;
  /** When the latest run ended, on the monotonic clock. */
  ended: number | undefined;
}

/** Monitors one service: it is up while all of its checks are; without any it comes up at once. */
export function createMonitor(planned: readonly PlannedCheck[], deps: MonitorDeps): Monitor {
  const records = new Map<PlannedCheck, CheckRecord>(
    planned.map((check) => [
      check,
      { health: undefined, result: undefined, at: 0, ended: undefined },
    ]),
  );
  let state: State = 'unknown';
  let start = performance.now();

  function record(check: PlannedCheck, result: Result): void {
    deps.onResult?.(check, result);
    const latest = records.get(check);
    if (!latest) return;
    const { health: before } = latest;
    const inGrace = !result.passed && performance.now() < start + check.grace;
    latest.health = inGrace ? before : judge(before, result.passed, check);
    latest.result = result;
    latest.at = Date.now();
    latest.ended = performance.now();
    if (latest.health !== before) updateState(check.check.name, result.reason);
  }

  function updateState(check?: string, reason?: string): void {
    const next = stateOf([...records.values()].map(({ health }) => health));
    if (next === undefined || next === state) return;
    state = next;
    deps.onChange({ state: next, ...(check && { check }), ...(reason && { reason }) });
  }

  return {
    run: (signal) => {
      start = performance.now();
      updateState();
      return runTogether(
        planned.map(
          (check) => (own: AbortSignal) =>
            runCheck(check, { record, schedule: deps.schedule }, own),
        ),
        signal,
      );
    },
    checks: () => [...records].map(([check, latest]) => statusOf(check, latest)),
    overdue: () => {
      const now = performance.now();
      const late = [...records].map(
        ([{ interval, timeout }, { ended = start }]) => now - ended - interval - timeout,
      );
      return Math.max(0, ...late);
    },
  };
}

async function runCheck(
  planned: PlannedCheck,
  {
    record,
    schedule,
  }: { record: (check: PlannedCheck, result: Result) => void; schedule: Schedule },
  signal: AbortSignal,
): Promise<void> {
  const { check, timeout, interval, phase } = planned;
  const probe = createProbe(check, timeout, signal);
  const run = async () => {
    const result = await probe();
    if (!signal.aborted) record(planned, result);
  };
  await schedule.every(interval, phase, run, signal);
}

function statusOf({ check }: PlannedCheck, { health, result, at }: CheckRecord): CheckStatus {
  return {
    name: check.name,
    state: health ? (health.up ? 'up' : 'down') : 'unknown',
    ...(result && { took: result.took, at: new Date(at) }),
    ...(result?.reason !== undefined && { reason: result.reason }),
  };
}
