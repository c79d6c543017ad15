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
  /** Where in its interval it stands, from 0 to 1. */
  readonly phase: number;
  /** For how long after the start failures do not count: they neither decide nor bring anything down. */
  readonly grace: number;
}

export type State = 'unknown' | 'up' | 'down';

/** What is known of one check. */
export interface CheckStatus {
  readonly name: string;
  readonly state: State;
  /** Of the latest run: how long it took in milliseconds, when it ended, and why it failed. */
  readonly took?: number;
  readonly at?: Date;
  readonly reason?: string;
}

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

/** Kept in place: a thousand results a second need not be as many new objects. */
interface Seen {
  health: Health | undefined;
  result: Result | undefined;
  /** The wall clock's milliseconds. */
  at: number;
  /** When the latest run ended, on the monotonic clock. */
  ended: number | undefined;
}

/** Watches one service: it is up while all of its checks are; without any it comes up at once. */
export function createMonitor(planned: readonly PlannedCheck[], deps: MonitorDeps): Monitor {
  const seen = new Map<PlannedCheck, Seen>(
    planned.map((check) => [
      check,
      { health: undefined, result: undefined, at: 0, ended: undefined },
    ]),
  );
  let state: State = 'unknown';
  let start = performance.now();

  function take(check: PlannedCheck, result: Result): void {
    deps.onResult?.(check, result);
    const each = seen.get(check);
    if (!each) return;
    const { health: before } = each;
    const early = !result.passed && performance.now() < start + check.grace;
    each.health = early ? before : judge(before, result.passed, check);
    each.result = result;
    each.at = Date.now();
    each.ended = performance.now();
    if (each.health !== before) settle(check.check.name, result.reason);
  }

  function settle(check?: string, reason?: string): void {
    const next = stateOf([...seen.values()].map(({ health }) => health));
    if (next === undefined || next === state) return;
    state = next;
    deps.onChange({ state: next, ...(check && { check }), ...(reason && { reason }) });
  }

  return {
    run: (signal) => {
      start = performance.now();
      settle();
      return runTogether(
        planned.map(
          (check) => (own: AbortSignal) => runCheck(check, { take, schedule: deps.schedule }, own),
        ),
        signal,
      );
    },
    checks: () => [...seen].map(([check, each]) => statusOf(check, each)),
    overdue: () => {
      const now = performance.now();
      const late = [...seen].map(
        ([{ interval, timeout }, { ended = start }]) => now - ended - interval - timeout,
      );
      return Math.max(0, ...late);
    },
  };
}

async function runCheck(
  planned: PlannedCheck,
  { take, schedule }: { take: (check: PlannedCheck, result: Result) => void; schedule: Schedule },
  signal: AbortSignal,
): Promise<void> {
  const { check, timeout, interval, phase } = planned;
  const probe = createProbe(check, timeout, signal);
  const run = async () => {
    const result = await probe();
    if (!signal.aborted) take(planned, result);
  };
  await schedule.every(interval, phase, run, signal);
}

function statusOf({ check }: PlannedCheck, { health, result, at }: Seen): CheckStatus {
  return {
    name: check.name,
    state: health ? (health.up ? 'up' : 'down') : 'unknown',
    ...(result && { took: result.took, at: new Date(at) }),
    ...(result?.reason !== undefined && { reason: result.reason }),
  };
}
