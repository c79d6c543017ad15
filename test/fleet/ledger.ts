import type { Loss } from './service.ts';

export type FaultKind = 'service killed' | 'link cut';

/** A fault that may cost requests. Times are milliseconds of `Date.now`. */
export interface Fault {
  readonly kind: FaultKind;
  /** The VM's address, or the member's `host:port`. */
  readonly target: string;
  readonly from: number;
  /** When the process had ended, or the link was mended; undefined before. */
  until: number | undefined;
}

/** A lost request with what is known of its way. */
export interface Lost extends Loss {
  /** The address of the VM that sent it. */
  readonly client: string;
  /** `host:port` of the copy that had it; undefined when none had. */
  readonly server: string | undefined;
}

/** How long it takes a process to note a signal, or a timer to fire, on a busy machine. */
const slack = 100;

/**
 * How long HAProxy's checks (inter 2s, fall 3, each at most 2 s) may take to see that nobody answers,
 * and how long (rise 2) until they believe in one again.
 */
const unnoticed = 3 * 2_000 + 2_000 + 1_000;
const distrusted = 2 * 2_000 + 2_000;

/**
 * The fault that a lost request was a victim of; undefined when it was lost without one. A killed copy
 * excuses what it was answering, and nothing that came later. A cut link excuses what was on its way
 * over it and, until checks can have seen it, what was sent over it.
 */
export function explain(lost: Lost, faults: readonly Fault[]): string | undefined {
  const fault = faults.find((one) => victim(lost, one));
  if (fault?.kind !== 'link cut') return fault?.kind;
  return lost.client === fault.target ? "the sender's link cut" : "the answerer's link cut";
}

function victim(
  lost: Lost,
  { kind, target, from, until = Number.POSITIVE_INFINITY }: Fault,
): boolean {
  if (lost.until < from - slack) return false;
  if (kind === 'service killed') return lost.server === target && lost.since <= until + slack;
  const server = lost.server?.split(':')[0];
  const crossed = lost.client === target ? server !== target : server === target;
  if (!crossed) return false;
  const alone = lost.client === target ? until + distrusted : from + unnoticed;
  return lost.since <= Math.min(until + distrusted, alone);
}
