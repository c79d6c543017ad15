import { setTimeout as sleep } from 'node:timers/promises';

import {
  createBackoff,
  createLatest,
  isAbort,
  type Latest,
  type Log,
  type Metrics,
  messageOf,
} from '@smartstack/daemon';

import type { Discovery } from './discovery/discovery.ts';
import type { ProxyDriver } from './proxies/proxy.ts';
import type { Service, Snapshot } from './service.ts';

/** A service to follow: what is known of it before its discovery is heard, and that discovery. */
export interface Followed {
  readonly service: Service;
  readonly discovery: Discovery;
}

export interface ReconcilerOptions {
  readonly followed: readonly Followed[];
  readonly drivers: readonly ProxyDriver[];
  /** How long the first apply waits for discoveries that were not heard yet, in milliseconds. */
  readonly startupTimeout: number;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Keeps every proxy in step with every discovery. */
export interface Reconciler {
  /** Works until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** The newest desired state. */
  snapshot(): Snapshot;
  /** Whether every proxy has been brought in step once. */
  ready(): boolean;
}

/**
 * Each driver has a mailbox of one slot: an idle one applies a change at once, a busy one finds the
 * newest state when it is done. The first apply waits for every discovery, up to a time.
 */
export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { followed, startupTimeout, log } = options;
  let snapshot: Snapshot = new Map(followed.map(({ service }) => [service.name, service]));
  const lanes = options.drivers.map((driver) => ({ driver, mailbox: createLatest<Snapshot>() }));
  const inStep = new Set<ProxyDriver>();
  const unheard = createCountdown(followed.length);
  let started = false;

  const post = (mailbox: Latest<Snapshot>) => {
    if (started) mailbox.set(snapshot);
  };
  const publish = () => {
    for (const { mailbox } of lanes) post(mailbox);
  };

  async function follow({ service, discovery }: Followed, signal: AbortSignal): Promise<void> {
    let heard = false;
    for await (const instances of discovery(signal)) {
      snapshot = new Map(snapshot).set(service.name, { ...service, instances });
      if (!heard) unheard.down();
      heard = true;
      publish();
    }
  }

  async function start(signal: AbortSignal): Promise<void> {
    await before(unheard.zero, startupTimeout, signal);
    const missing = [...snapshot.values()].filter(({ instances }) => instances === undefined);
    if (missing.length > 0 && !signal.aborted)
      log.warn({ services: missing.map(({ name }) => name) }, 'starting before all were heard');
    started = true;
    publish();
  }

  return {
    run: (signal) =>
      joinAll(signal, [
        ...followed.map((each) => follow(each, signal)),
        ...lanes.flatMap(({ driver, mailbox }) => [
          drive(driver, mailbox, options, () => inStep.add(driver), signal),
          wake(driver, () => post(mailbox), signal),
        ]),
        start(signal),
      ]),
    snapshot: () => snapshot,
    ready: () => lanes.every(({ driver }) => inStep.has(driver)),
  };
}

/** Applies snapshots as they come; what fails is tried again with whatever is newest by then. */
async function drive(
  driver: ProxyDriver,
  mailbox: Latest<Snapshot>,
  { log, metrics }: ReconcilerOptions,
  onApplied: () => void,
  signal: AbortSignal,
): Promise<void> {
  const applied = metrics.counter({
    name: 'synapse_applies_total',
    help: 'Snapshots applied to a proxy, by what that took',
    labels: ['proxy', 'result'],
  });
  const backoff = createBackoff({ base: 200, max: 5000 });
  let failure = '';
  for await (const snapshot of mailbox.values(signal)) {
    try {
      const result = await driver.apply(snapshot, signal);
      applied.inc({ proxy: driver.name, result });
      onApplied();
      if (failure !== '') log.info({ proxy: driver.name }, 'proxy is in step again');
      failure = '';
      backoff.reset();
    } catch (error) {
      if (isAbort(error, signal)) return;
      applied.inc({ proxy: driver.name, result: 'failed' });
      if (failure !== messageOf(error))
        log.error(
          { proxy: driver.name, reason: messageOf(error) },
          'cannot bring the proxy in step',
        );
      failure = messageOf(error);
      await backoff.wait(signal).catch(() => {});
      mailbox.offer(snapshot);
    }
  }
}

async function wake(driver: ProxyDriver, post: () => void, signal: AbortSignal): Promise<void> {
  for await (const _ of driver.wakes(signal)) post();
}

/** Waits for all tasks; one that fails for another reason than the signal fails the whole at once. */
async function joinAll(signal: AbortSignal, tasks: readonly Promise<void>[]): Promise<void> {
  await Promise.all(
    tasks.map((task) =>
      task.catch((error: unknown) => {
        if (!isAbort(error, signal)) throw error;
      }),
    ),
  );
}

function createCountdown(count: number) {
  let left = count;
  let reached = () => {};
  const zero = new Promise<void>((resolve) => {
    reached = resolve;
  });
  if (left === 0) reached();
  return {
    zero,
    down: () => {
      if (--left === 0) reached();
    },
  };
}

/** Waits for a promise, but no longer than a time and the signal; never rejects. */
async function before(
  promise: Promise<void>,
  milliseconds: number,
  signal: AbortSignal,
): Promise<void> {
  const timer = new AbortController();
  const ended = AbortSignal.any([signal, timer.signal]);
  await Promise.race([promise, sleep(milliseconds, undefined, { signal: ended }).catch(() => {})]);
  timer.abort();
}
