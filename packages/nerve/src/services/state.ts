import { isDeepStrictEqual } from 'node:util';

import type { Log } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';
import type { ServiceConfig } from '../config/config.ts';
import { fromWallClock, wallClock } from '../health/clock.ts';
import { type Damping, damp, undamped } from '../health/damping.ts';
import type { HealthChange, State } from '../health/monitor.ts';
import type { ServiceMeasures } from '../metrics/metrics.ts';
import type { Downtime, Override } from '../operator/overrides.ts';
import { type Decision, type DecisionInput, decide } from './decision.ts';
import { createRateLimit } from './rate-limit.ts';

/**
 * The longest time between two decisions while one of them has an end, in milliseconds: the wall clock may
 * be set meanwhile.
 */
const longestWait = 60_000;

export interface ServiceStateDeps {
  readonly log: Log;
  readonly measures: ServiceMeasures;
  /** The operator's override that was set before. */
  readonly override: Override;
  /** Called when another instance is to be announced; with undefined when none is. */
  onDesired(instance: Instance | undefined): void;
  /** Called after each decision. */
  onDecided(decision: Decision): void;
}

/** The state of one service as JSON. */
export interface StateStatus {
  readonly state: State;
  /** Since when, and for which check and reason. */
  readonly since: Date;
  readonly check?: string;
  readonly reason?: string;
  /** Why it is announced or not. */
  readonly because: Decision['reason'];
  /** When that changes by itself. */
  readonly until?: Date;
  readonly instance: Instance;
  readonly downtime?: Downtime;
}

/**
 * The state of one service: the results of its checks, the operator's override and its policy together
 * decide which instance is announced, if any.
 */
export interface ServiceState {
  /** Drops the results of earlier checks; no instance is to be announced until there are new ones. */
  begin(): void;
  /** Takes a change that the checks found. */
  change(change: HealthChange): void;
  setOverride(override: Override): void;
  /** Stops the timer of the next decision. */
  end(): void;
  status(): StateStatus;
}

/** Creates the state of a service that was not checked yet. */
export function createServiceState(
  { instance, policy }: ServiceConfig,
  { log, measures, onDesired, onDecided, ...given }: ServiceStateDeps,
): ServiceState {
  const limit = createRateLimit(policy.rateLimit, { log, measures });
  let health: Partial<HealthChange> = {};
  let since = new Date();
  let cameUpAt: number | undefined;
  let damping: Damping = undamped;
  let decision: Decision = { reason: 'not checked yet' };
  let timer: NodeJS.Timeout | undefined;
  let { override } = given;

  const input = (): DecisionInput => ({
    instance,
    state: health.state ?? 'unknown',
    cameUpAt,
    warmup: policy.warmup,
    heldUntil: damping.heldUntil,
    weight: override.weight,
    ...(override.downtime && { downtime: onOurClock(override.downtime) }),
  });

  function update(): void {
    clearTimeout(timer);
    const now = performance.now();
    const decided = decide(input(), now);
    // Withdrawing, and changing what is announced already, is never limited.
    const isNew = decided.instance !== undefined && decision.instance === undefined;
    const next = isNew ? limit(decided, now) : decided;
    if (next.until !== undefined) timer = setTimeout(update, waitUntil(next.until, now));
    if (next.reason === 'flapping' && decision.reason !== 'flapping') onHeld(next.until ?? now);
    if (!isDeepStrictEqual(decision.instance, next.instance)) onDesired(next.instance);
    decision = next;
    onDecided(next);
  }

  function onHeld(until: number): void {
    measures.held();
    log.warn(
      { until: wallClock(until), fix: 'fix the service, or raise fall or timeout of its check' },
      'service flaps: held down',
    );
  }

  return {
    begin: () => {
      health = {};
      decision = { reason: 'not checked yet' };
    },
    change: (next) => {
      const now = performance.now();
      const up = next.state === 'up';
      if (health.state !== undefined && policy.flapDamping)
        damping = damp(damping, up, now, policy.flapDamping);
      cameUpAt = up && health.state === 'down' ? now : undefined;
      health = next;
      since = new Date();
      measures.state(up);
      if (up) log.info('service is up');
      else log.warn({ check: next.check, reason: next.reason }, 'service is down');
      update();
    },
    setOverride: (next) => {
      override = next;
      update();
    },
    end: () => clearTimeout(timer),
    status: () => ({
      state: health.state ?? 'unknown',
      since,
      ...(health.check !== undefined && { check: health.check }),
      ...(health.reason !== undefined && { reason: health.reason }),
      because: decision.reason,
      ...(decision.until !== undefined && { until: wallClock(decision.until) }),
      instance: decision.instance ?? instance,
      ...(override.downtime && { downtime: override.downtime }),
    }),
  };
}

function waitUntil(time: number, now: number): number {
  return Math.min(longestWait, Math.max(1, Math.ceil(time - now)));
}

function onOurClock({ reason, until }: Downtime): { reason: string; until?: number } {
  return { reason, ...(until !== undefined && { until: fromWallClock(until) }) };
}
