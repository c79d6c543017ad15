import { isDeepStrictEqual } from 'node:util';

import { createLatest, type Log } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';

import { type Announcing, keepAnnounced } from './announcer.ts';
import type { Beats } from './beats.ts';
import { createCheck } from './checks/table.ts';
import { checkDepsOf, type ServiceConfig } from './config.ts';
import { type Damping, damp, undamped } from './damping.ts';
import type { ServiceMeasures } from './measures.ts';
import {
  type Change,
  type CheckStatus,
  createMonitor,
  type Monitor,
  type PlannedCheck,
  type State,
} from './monitor.ts';
import type { Downtime, Order } from './orders.ts';
import { type Circumstances, decidePresence, type Presence } from './presence.ts';
import { createProbe, type Result } from './probe.ts';
import { runTogether } from './tasks.ts';
import { type Bucket, fullBucket, takeToken } from './token-bucket.ts';

export interface ServiceDeps {
  readonly registry: Announcing;
  readonly log: Log;
  readonly measures: ServiceMeasures;
  /** Where in the interval each check stands, from 0 to 1, in the order of the configuration. */
  readonly phases: readonly number[];
  readonly beats: Beats;
  /** What an operator ordered before. */
  readonly order: Order;
}

/** What is known of a service: JSON-safe. */
export interface ServiceStatus {
  readonly state: State;
  /** Since when, and for which check and reason. */
  readonly since: Date;
  readonly check?: string;
  readonly reason?: string;
  /** Whether it stands in the registry, where, and why (not). */
  readonly announced: boolean;
  readonly path: string;
  readonly because: Presence['reason'];
  /** When that changes by itself. */
  readonly until?: Date;
  readonly instance: Instance;
  readonly checks: readonly CheckStatus[];
  readonly downtime?: Downtime;
}

/** One service of this machine. */
export interface Service {
  readonly name: string;
  /**
   * Checks it and announces it while all of its checks pass, until the signal aborts; then it is
   * withdrawn. The registry never holds up the checks: it is told of changes beside them.
   */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves once it was judged and, if it is up, stands in the registry. */
  readonly reported: Promise<void>;
  status(): ServiceStatus;
  /** By how many milliseconds its checks are overdue, which they are only when something is stuck. */
  overdue(): number;
  /** Does as an operator orders, from now on. */
  obey(order: Order): void;
  /** Runs its checks once, beside the regular runs, and changes nothing. */
  check(signal: AbortSignal): Promise<readonly CheckReport[]>;
}

/** What one run of one check gave. */
export interface CheckReport extends Result {
  readonly name: string;
}

export function createService(config: ServiceConfig, deps: ServiceDeps): Service {
  const { log, measures, registry } = deps;
  const wishes = createLatest<Instance | undefined>();
  let change: Partial<Change> = {};
  let since = new Date();
  let cameUpAt: number | undefined;
  let damping: Damping = undamped;
  let presence: Presence = { reason: 'not checked yet' };
  let bucket: Bucket | undefined;
  let standing = false;
  let timer: NodeJS.Timeout | undefined;
  let monitor: Monitor | undefined;
  let order = deps.order;

  const reported = createOccasion();
  const circumstances = (): Circumstances => ({
    instance: config.instance,
    state: change.state ?? 'unknown',
    cameUpAt,
    warmup: config.policy.warmup,
    heldUntil: damping.heldUntil,
    weight: order.weight,
    ...(order.downtime && { downtime: onOurClock(order.downtime) }),
  });

  function reconsider(): void {
    clearTimeout(timer);
    const now = performance.now();
    const next = limited(decidePresence(circumstances(), now), now);
    if (next.until !== undefined) timer = setTimeout(reconsider, waitUntil(next.until, now));
    if (next.reason === 'flapping' && presence.reason !== 'flapping') onHeld(next.until ?? now);
    if (!isDeepStrictEqual(presence.instance, next.instance)) wishes.set(next.instance);
    presence = next;
    if (!next.instance) reported.arise();
  }

  /** Announcing takes a token where that is configured; leaving, and changing what stands, never does. */
  function limited(next: Presence, now: number): Presence {
    const { rateLimit } = config.policy;
    if (!rateLimit || !next.instance || presence.instance) return next;
    bucket ??= fullBucket(rateLimit, now);
    const taken = takeToken(bucket, rateLimit, now);
    bucket = taken.bucket;
    if (taken.wait === 0) return next;
    measures.throttled();
    log.warn({ shadow: rateLimit.shadow }, 'service is announced too often');
    return rateLimit.shadow ? next : { reason: 'rate limit', until: now + taken.wait };
  }

  function onHeld(until: number): void {
    measures.held();
    log.warn({ until: wallClock(until) }, 'service flaps: held down');
  }

  function onChange(next: Change): void {
    const now = performance.now();
    const up = next.state === 'up';
    if (change.state !== undefined && config.policy.flapDamping)
      damping = damp(damping, up, now, config.policy.flapDamping);
    cameUpAt = up && change.state === 'down' ? now : undefined;
    change = next;
    since = new Date();
    measures.state(up);
    if (up) log.info('service is up');
    else log.warn({ check: next.check, reason: next.reason }, 'service is down');
    reconsider();
  }

  const announcing = {
    registry,
    log,
    path: config.place.path,
    onStand: (took: number) => {
      standing = true;
      reported.arise();
      measures.announced(took);
    },
    onWithdraw: () => {
      standing = false;
      measures.withdrawn();
    },
    onTrouble: measures.registryError,
  };

  return {
    name: config.name,
    run: async (signal) => {
      change = {};
      presence = { reason: 'not checked yet' };
      const planned = await plannedChecks(config, deps);
      const record = recorderOf(planned, measures);
      const watched = createMonitor(planned, {
        onResult: record,
        onChange,
      });
      monitor = watched;
      try {
        await runTogether(
          [(own) => keepAnnounced(wishes, announcing, own), (own) => watched.run(own)],
          signal,
        );
      } finally {
        clearTimeout(timer);
      }
    },
    reported: reported.arisen,
    overdue: () => monitor?.overdue() ?? 0,
    obey: (next) => {
      order = next;
      reconsider();
    },
    check: async (signal) => {
      const planned = await plannedChecks(config, deps);
      return Promise.all(
        planned.map(async ({ check, timeout }) => ({
          name: check.name,
          ...(await createProbe(check, timeout, signal)()),
        })),
      );
    },
    status: () => ({
      state: change.state ?? 'unknown',
      since,
      ...(change.check !== undefined && { check: change.check }),
      ...(change.reason !== undefined && { reason: change.reason }),
      announced: standing,
      path: config.place.path,
      because: presence.reason,
      ...(presence.until !== undefined && { until: wallClock(presence.until) }),
      instance: presence.instance ?? config.instance,
      ...(order.downtime && { downtime: order.downtime }),
      checks: monitor?.checks() ?? [],
    }),
  };
}

function plannedChecks(
  service: ServiceConfig,
  { phases, beats }: Pick<ServiceDeps, 'phases' | 'beats'>,
): Promise<readonly PlannedCheck[]> {
  return Promise.all(
    service.checks.map(async (config, index) => ({
      check: await createCheck(config, checkDepsOf(service, beats)),
      timeout: config.timeout,
      rise: config.rise,
      fall: config.fall,
      interval: service.checkInterval,
      phase: phases[index] ?? 0,
      // A service that speaks for itself needs the time to do so after nerve's start, too.
      grace: Math.max(service.policy.startGrace, config.type === 'ttl' ? config.ttl : 0),
    })),
  );
}

function recorderOf(planned: readonly PlannedCheck[], measures: ServiceMeasures) {
  const recorders = new Map(planned.map((each) => [each, measures.check(each.check.name)]));
  return (check: PlannedCheck, { passed, took }: { passed: boolean; took: number }) =>
    recorders.get(check)?.(passed, took);
}

/** Something that happens once, and can be waited for. */
function createOccasion() {
  let arise = () => {};
  const arisen = new Promise<void>((resolve) => {
    arise = resolve;
  });
  return { arisen, arise: () => arise() };
}

/** Milliseconds that a timer can wait; what is further away is decided again after a day. */
function waitUntil(time: number, now: number): number {
  return Math.min(86_400_000, Math.max(1, Math.ceil(time - now)));
}

/** An operator's times are the wall clock's, which may be set; all else here is measured. */
function onOurClock({ reason, until }: Downtime): { reason: string; until?: number } {
  return { reason, ...(until !== undefined && { until: until - Date.now() + performance.now() }) };
}

function wallClock(time: number): Date {
  return new Date(Date.now() + time - performance.now());
}
