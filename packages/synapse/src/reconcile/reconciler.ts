import { setTimeout as sleep } from 'node:timers/promises';

import type { Log, Metrics } from '@smartstack/daemon';
import type { Output } from '@smartstack/proxy';
import { isUnanswered, type Snapshot } from '@smartstack/proxy';
import type { Followed } from './follower.ts';
import { createFollowers } from './followers.ts';
import { createQueue, type OutputQueue } from './queue.ts';
import { createTaskGroup } from './task-group.ts';

export interface ReconcilerOptions {
  readonly followed: readonly Followed[];
  readonly outputs: readonly Output[];
  /** How long the first apply waits for discoveries without an answer, in milliseconds. */
  readonly startupTimeout: number;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Keeps every proxy in step with every discovery. */
export interface Reconciler {
  /** Works until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Follows these services in place of those before; what did not change is not touched. */
  replace(followed: readonly Followed[]): void;
  /** The followed service of this name. */
  get(name: string): Followed | undefined;
  /** Why a service cannot be followed for now; undefined where it can. */
  failure(name: string): string | undefined;
  /** Why the policy that a service's registry says is not in force; empty where it is. */
  refusedPolicy(name: string): readonly string[];
  /** Why a proxy is not in step, by its driver's name; undefined where it is. */
  trouble(proxy: string): string | undefined;
  /** The newest desired state. */
  snapshot(): Snapshot;
  /** Whether every proxy has been brought in step once. */
  ready(): boolean;
  /** Whether no proxy is stuck in one change. */
  works(): boolean;
}

/** Each step of a change has a deadline of its own, of 15 s at most unless configured otherwise. */
const stuck = 180_000;
/** How often drivers are given the state before the first apply, in milliseconds. */
const preparationInterval = 50;

/**
 * Each driver has a mailbox of one slot: an idle one applies a change at once, a busy one finds the
 * newest state when it is done. The first apply waits for every discovery, up to a time.
 */
export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { startupTimeout, log } = options;
  const queues = options.outputs.map((output) => createQueue(output, options));
  let started = false;
  let running: AbortSignal | undefined;
  let nextPreparation = 0;

  const { measure, failed, refused } = createServiceMetrics(options.metrics);

  /** Before the first apply a thousand discoveries may answer at once. */
  function post(): void {
    if (!started) {
      prepare();
      return;
    }
    const snapshot = followers.snapshot();
    measure(snapshot);
    for (const queue of queues) queue.post(snapshot);
  }

  function prepare(): void {
    if (!running || performance.now() < nextPreparation) return;
    nextPreparation = performance.now() + preparationInterval;
    for (const queue of queues) queue.prepare(followers.snapshot(), running);
  }

  const followers = createFollowers(options.followed, {
    onChange: post,
    onFailure: (service, error, isNews) => {
      failed(service);
      if (!isNews) return;
      log.error(
        { service, err: error, fix: 'it is tried again, and the other services go on' },
        'cannot follow the service',
      );
    },
    onRefused: (service, problems) => {
      refused(service);
      log.warn(
        {
          service,
          problems,
          fix: 'write a good policy to the registry; synapse policy show SERVICE says what is in force',
        },
        'the registry’s policy cannot be used: the last good one stays',
      );
    },
  });
  measure(followers.snapshot());

  async function start(signal: AbortSignal): Promise<void> {
    await before(followers.answered, startupTimeout, signal);
    const snapshot = followers.snapshot();
    const silent = [...snapshot.values()].filter(isUnanswered);
    if (silent.length > 0 && !signal.aborted)
      log.warn(
        {
          services: silent.map(({ name }) => name),
          fix: 'check that their discoveries answer: synapse explain SERVICE',
        },
        'starting before all discoveries answered',
      );
    started = true;
    post();
  }

  async function wake(queue: OutputQueue, signal: AbortSignal): Promise<void> {
    for await (const _ of queue.output.wakes(signal)) {
      queue.works();
      if (started) queue.post(followers.snapshot());
    }
  }

  return {
    run: async (signal) => {
      running = signal;
      const group = createTaskGroup(signal);
      followers.start(group, signal);
      for (const queue of queues) {
        group.add(queue.keep(queue.drive, signal), signal);
        group.add(
          queue.keep((own) => wake(queue, own), signal),
          signal,
        );
      }
      group.add(start(signal), signal);
      await group.done();
    },
    replace: followers.replace,
    get: followers.get,
    failure: followers.failure,
    refusedPolicy: followers.refusedPolicy,
    trouble: (proxy) => queues.find(({ output }) => output.name === proxy)?.trouble(),
    snapshot: followers.snapshot,
    ready: () => queues.every((queue) => queue.output.auxiliary || queue.inStep()),
    works: () => queues.every((queue) => queue.busyFor() < stuck),
  };
}

/** What is counted of the services that are followed. */
function createServiceMetrics(metrics: Metrics) {
  const unanswered = metrics.gauge({
    name: 'synapse_services_unheard',
    help: 'Services whose discovery has not answered yet, by what is served meanwhile',
    labels: ['served'],
  });
  const failures = metrics.counter({
    name: 'synapse_service_failures_total',
    help: 'How often following a service failed, which is then tried again',
    labels: ['service'],
  });
  const refusals = metrics.counter({
    name: 'synapse_policy_refusals_total',
    help: 'Policies from the registry that could not be used; the last good one stayed in force',
    labels: ['service'],
  });
  return {
    measure: (snapshot: Snapshot) => {
      const waiting = [...snapshot.values()].filter(isUnanswered);
      const stale = waiting.filter((service) => service.stale).length;
      unanswered.set({ served: 'stale' }, stale);
      unanswered.set({ served: 'defaults' }, waiting.length - stale);
    },
    failed: (service: string) => failures.inc({ service }),
    refused: (service: string) => refusals.inc({ service }),
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
