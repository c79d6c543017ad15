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

/**
 * Keeps every proxy in step with every discovery until the signal aborts. Each driver has a mailbox of
 * one slot: an idle one applies a change at once, a busy one finds the newest state when it is done.
 */
export async function reconcile(options: ReconcilerOptions, signal: AbortSignal): Promise<void> {
  const { followed, drivers, startupTimeout, log } = options;
  let snapshot: Snapshot = new Map(followed.map(({ service }) => [service.name, service]));
  const mailboxes = drivers.map(() => createLatest<Snapshot>());
  let started = false;
  const post = (mailbox: Latest<Snapshot>) => {
    if (started) mailbox.set(snapshot);
  };
  const publish = () => mailboxes.forEach(post);

  const unheard = createCountdown(followed.length);
  const follow = async ({ service, discovery }: Followed) => {
    let heard = false;
    for await (const instances of discovery(signal)) {
      snapshot = new Map(snapshot).set(service.name, { ...service, instances });
      if (!heard) unheard.down();
      heard = true;
      publish();
    }
  };
  const start = async () => {
    const timer = new AbortController();
    const timeout = sleep(startupTimeout, undefined, { signal: timer.signal }).catch(() => {});
    await Promise.race([unheard.zero, timeout, aborted(signal)]);
    timer.abort();
    const missing = [...snapshot.values()].filter(({ instances }) => instances === undefined);
    if (missing.length > 0 && !signal.aborted)
      log.warn({ services: missing.map(({ name }) => name) }, 'starting before all were heard');
    started = true;
    publish();
  };

  await joinAll(signal, [
    ...followed.map((each) => follow(each)),
    ...drivers.flatMap((driver, index) => {
      const mailbox = mailboxes[index] as Latest<Snapshot>;
      return [drive(driver, mailbox, options, signal), wake(driver, () => post(mailbox), signal)];
    }),
    start(),
  ]);
}

/** Applies snapshots as they come; what fails is tried again with whatever is newest by then. */
async function drive(
  driver: ProxyDriver,
  mailbox: Latest<Snapshot>,
  { log, metrics }: ReconcilerOptions,
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

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
