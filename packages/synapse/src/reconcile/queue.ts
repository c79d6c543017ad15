import { setImmediate as nextTurn } from 'node:timers/promises';

import {
  createBackoff,
  createLatest,
  isAbort,
  keepRunning,
  type Latest,
  type Log,
  type Metrics,
  messageOf,
} from '@smartstack/daemon';
import type { Output, Snapshot } from '@smartstack/proxy';

/** One driver and the mailbox that it takes snapshots from. */
export interface OutputQueue {
  readonly output: Output;
  /** Gives the driver the newest state; an idle one applies it at once. */
  post(snapshot: Snapshot): void;
  /** Lets the driver prepare for the first state with the part that is known, unless it is at that already. */
  prepare(snapshot: Snapshot, signal: AbortSignal): void;
  /** Applies snapshots as they come until the signal aborts; a failure is retried with the newest snapshot. */
  drive(signal: AbortSignal): Promise<void>;
  /** Whether the driver has been in step once. */
  inStep(): boolean;
  /** Why the driver is not in step, or a part of it failed; undefined where all is well. */
  trouble(): string | undefined;
  /** Notes that the part beside `drive` works. */
  works(): void;
  /** Runs a part of the driver beside `drive` until it ends; one that fails is run again. */
  keep(task: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void>;
  /** How long the driver has been at one snapshot by now, in milliseconds; 0 when it is idle. */
  busyFor(): number;
}

/** A queue with one slot: a busy driver finds the newest state when it is done. */
export function createQueue(
  output: Output,
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
): OutputQueue {
  const mailbox: Latest<Snapshot> = createLatest();
  const backoff = createBackoff({ base: 200, max: 5000 });
  const applied = metrics.counter({
    name: 'synapse_applies_total',
    help: 'Snapshots applied to a proxy, by what that took',
    labels: ['proxy', 'result'],
  });
  let failure = '';
  const faults = createFaults(output.name, log);
  let inStep = false;
  let busySince: number | undefined;
  let preparing: Promise<void> | undefined;
  let isPrepared = output.prepare === undefined;

  function rest(): void {
    busySince = undefined;
  }

  function succeeded(result: string): void {
    applied.inc({ proxy: output.name, result });
    inStep = true;
    if (failure !== '') log.info({ proxy: output.name }, 'proxy is in step again');
    failure = '';
    backoff.reset();
  }

  function failed(reason: string): void {
    applied.inc({ proxy: output.name, result: 'failed' });
    if (failure !== reason)
      log.error(
        {
          proxy: output.name,
          reason,
          fix: 'it is tried again; synapse diff shows what is pending',
        },
        'cannot bring the proxy in step',
      );
    failure = reason;
  }

  /** A failure here comes again in the first apply, and is logged then. */
  function prepare(snapshot: Snapshot, signal: AbortSignal): void {
    if (isPrepared || preparing) return;
    preparing = (async () => output.prepare?.(snapshot, signal))()
      .catch(() => {
        isPrepared = true;
      })
      .finally(() => {
        preparing = undefined;
      });
  }

  return {
    output,
    prepare,
    post: mailbox.set,
    inStep: () => inStep,
    trouble: () => failure || faults.reason(),
    works: faults.clear,
    keep: faults.keep,
    busyFor: () => (busySince === undefined ? 0 : performance.now() - busySince),
    drive: async (signal) => {
      for await (const snapshot of mailbox.values(signal)) {
        busySince = performance.now();
        isPrepared = true;
        await preparing;
        // Outputs that serve apps go first.
        if (output.auxiliary) await nextTurn();
        try {
          succeeded(await output.apply(snapshot, signal));
          rest();
        } catch (error) {
          rest();
          if (isAbort(error, signal)) return;
          failed(messageOf(error));
          await backoff.wait(signal).catch(() => {});
          mailbox.offer(snapshot);
        }
      }
      await preparing;
    },
  };
}

/** Parts that run beside an output's queue; one that fails is logged once for each reason and run again. */
function createFaults(proxy: string, log: Log) {
  let fault: string | undefined;
  return {
    reason: () => fault,
    clear: () => {
      fault = undefined;
    },
    keep: (task: (signal: AbortSignal) => Promise<void>, signal: AbortSignal) =>
      keepRunning(
        task,
        (error) => {
          const reason = messageOf(error);
          if (fault !== reason)
            log.error(
              { proxy, err: error, fix: 'it is tried again, and the proxy goes on' },
              'a part of the proxy driver failed',
            );
          fault = reason;
        },
        signal,
      ),
  };
}
