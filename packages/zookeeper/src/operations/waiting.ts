import { type Budget, createBudget } from './budget.ts';
import type { Entry } from './entry.ts';
import { createQueue } from './queue.ts';

/** Requests that wait to be sent: writes and urgent reads first, then reads, then background reads. */
export interface Waiting {
  push(entry: Entry): void;
  /** The next one to be sent. None when there is no more, or when the read budget is used up: see `onRefill`. */
  shift(): Entry | undefined;
  /** Puts entries back before all others of their kind, in their order. */
  prepend(entries: readonly Entry[]): void;
  /** Notes that an entry gave up while it waited; such entries must not pile up during a long outage. */
  noteGivenUp(): void;
  /** Takes everything out, and calls `onRefill` no more. */
  drain(): readonly Entry[];
}

export interface WaitingOptions {
  /** Of reads and background reads; unlimited when absent. */
  readonly readBudget: Parameters<typeof createBudget>[0];
  /** Called when there is budget for a read again. */
  onRefill(): void;
}

export function createWaiting({ readBudget, onRefill }: WaitingOptions): Waiting {
  const budget: Budget = createBudget(readBudget);
  const urgent = createQueue<Entry>();
  const reads = createQueue<Entry>();
  const background = createQueue<Entry>();
  const queues = [urgent, reads, background];
  let refill: NodeJS.Timeout | undefined;
  let givenUp = 0;

  const queueOf = ({ kind }: Entry) =>
    kind === 'background' ? background : kind === 'read' ? reads : urgent;

  function nextRead(): Entry | undefined {
    const queue = reads.length > 0 ? reads : background;
    if (queue.length === 0 || refill) return undefined;
    if (budget.take()) return queue.shift();
    refill = setTimeout(() => {
      refill = undefined;
      onRefill();
    }, budget.wait());
    return undefined;
  }

  return {
    push: (entry) => queueOf(entry).push(entry),
    shift: () => urgent.shift() ?? nextRead(),
    prepend(entries) {
      for (const queue of queues)
        queue.prepend(entries.filter((entry) => queueOf(entry) === queue));
    },
    noteGivenUp() {
      givenUp += 1;
      const waiting = queues.reduce((sum, queue) => sum + queue.length, 0);
      if (givenUp < 256 || givenUp * 2 < waiting) return;
      givenUp = 0;
      for (const queue of queues) queue.filter((entry) => !entry.settled);
    },
    drain() {
      clearTimeout(refill);
      return queues.flatMap((queue) => queue.drain());
    },
  };
}
