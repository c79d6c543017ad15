import { isDeepStrictEqual } from 'node:util';

import type { Log } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';
import type { ServiceConfig } from '../config/config.ts';
import { fromWallClock, wallClock } from '../health/clock.ts';
import { type Damping, damp, undamped } from '../health/damping.ts';
import type { Change, State } from '../health/monitor.ts';
import type { ServiceMeasures } from '../metrics/metrics.ts';
import type { Downtime, Order } from '../operator/overrides.ts';
import { type Circumstances, decidePresence, type Presence } from './decision.ts';
import { type Bucket, fullBucket, takeToken } from './token-bucket.ts';

/** Decisions that time alone changes are looked at this often at least, in milliseconds: the wall clock may be set meanwhile. */
const longestWait = 60_000;

export interface StandingDeps {
  readonly log: Log;
  readonly measures: ServiceMeasures;
  /** What an operator ordered before. */
  readonly order: Order;
  /** Told when something else is to be announced; undefined for nothing. */
  onWish(instance: Instance | undefined): void;
  /** Told after each decision. */
  onDecided(presence: Presence): void;
}

/** What is known of how a service stands: JSON-safe. */
export interface StandingStatus {
  readonly state: State;
  /** Since when, and for which check and reason. */
  readonly since: Date;
  readonly check?: string;
  readonly reason?: string;
  /** Why it is announced or not. */
  readonly because: Presence['reason'];
  /** When that changes by itself. */
  readonly until?: Date;
  readonly instance: Instance;
  readonly downtime?: Downtime;
}

/** How one service stands: its checks' verdict, an operator's order and its policy decide together what is announced. */
export interface Standing {
  /** Forgets what checks said; nothing is wished for any more. */
  begin(): void;
  change(change: Change): void;
  obey(order: Order): void;
  /** Decides nothing more by itself. */
  end(): void;
  status(): StandingStatus;
}

export function createStanding(
  { instance, policy }: ServiceConfig,
  { log, measures, onWish, onDecided, ...given }: StandingDeps,
): Standing {
  let change: Partial<Change> = {};
  let since = new Date();
  let cameUpAt: number | undefined;
  let damping: Damping = undamped;
  let presence: Presence = { reason: 'not checked yet' };
  let bucket: Bucket | undefined;
  let timer: NodeJS.Timeout | undefined;
  let { order } = given;

  const circumstances = (): Circumstances => ({
    instance,
    state: change.state ?? 'unknown',
    cameUpAt,
    warmup: policy.warmup,
    heldUntil: damping.heldUntil,
    weight: order.weight,
    ...(order.downtime && { downtime: onOurClock(order.downtime) }),
  });

  function decide(): void {
    clearTimeout(timer);
    const now = performance.now();
    const next = limited(decidePresence(circumstances(), now), now);
    if (next.until !== undefined) timer = setTimeout(decide, waitUntil(next.until, now));
    if (next.reason === 'flapping' && presence.reason !== 'flapping') onHeld(next.until ?? now);
    if (!isDeepStrictEqual(presence.instance, next.instance)) onWish(next.instance);
    presence = next;
    onDecided(next);
  }

  /** Announcing takes a token where that is configured; leaving, and changing what stands, never does. */
  function limited(next: Presence, now: number): Presence {
    const { rateLimit } = policy;
    if (!rateLimit || !next.instance || presence.instance) return next;
    bucket ??= fullBucket(rateLimit, now);
    const taken = takeToken(bucket, rateLimit, now);
    bucket = taken.bucket;
    if (taken.wait === 0) return next;
    measures.throttled(rateLimit.shadow);
    log.warn(
      { shadow: rateLimit.shadow, fix: 'find out why it comes and goes: nerve status' },
      'service is announced too often',
    );
    if (rateLimit.shadow) return next;
    const until = Number.isFinite(taken.wait) ? { until: now + taken.wait } : {};
    return { reason: 'rate limit', ...until };
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
      change = {};
      presence = { reason: 'not checked yet' };
    },
    change: (next) => {
      const now = performance.now();
      const up = next.state === 'up';
      if (change.state !== undefined && policy.flapDamping)
        damping = damp(damping, up, now, policy.flapDamping);
      cameUpAt = up && change.state === 'down' ? now : undefined;
      change = next;
      since = new Date();
      measures.state(up);
      if (up) log.info('service is up');
      else log.warn({ check: next.check, reason: next.reason }, 'service is down');
      decide();
    },
    obey: (next) => {
      order = next;
      decide();
    },
    end: () => clearTimeout(timer),
    status: () => ({
      state: change.state ?? 'unknown',
      since,
      ...(change.check !== undefined && { check: change.check }),
      ...(change.reason !== undefined && { reason: change.reason }),
      because: presence.reason,
      ...(presence.until !== undefined && { until: wallClock(presence.until) }),
      instance: presence.instance ?? instance,
      ...(order.downtime && { downtime: order.downtime }),
    }),
  };
}

function waitUntil(time: number, now: number): number {
  return Math.min(longestWait, Math.max(1, Math.ceil(time - now)));
}

function onOurClock({ reason, until }: Downtime): { reason: string; until?: number } {
  return { reason, ...(until !== undefined && { until: fromWallClock(until) }) };
}
