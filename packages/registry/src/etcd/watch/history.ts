import type { Header } from '../wire/messages.ts';

/** What is known of a cluster's past: it only ever grows, unless the cluster was put back to an earlier state. */
export interface History {
  /** The newest that was seen. */
  newest(): Header | undefined;
  note(header: Header): void;
  /** Starts over from an answer of a cluster that was put back. */
  restart(header: Header): void;
  /** How often it was started over: what was read before counts no more. */
  readonly epoch: number;
}

export function createHistory(): History {
  let newest: Header | undefined;
  let epoch = 0;
  return {
    newest: () => newest,
    note: (header) => {
      if (!newest || header.cluster !== newest.cluster) newest ??= header;
      else
        newest = {
          cluster: newest.cluster,
          revision: Math.max(header.revision, newest.revision),
          term: Math.max(header.term, newest.term),
        };
    },
    restart: (header) => {
      newest = header;
      epoch += 1;
    },
    get epoch() {
      return epoch;
    },
  };
}

/**
 * Whether an answer that a majority stood for shows a cluster that was put back, or is another one; `before` is
 * what was known when it was asked for.
 */
export function isPutBack(answer: Header, before: Header | undefined): boolean {
  if (!before) return false;
  return (
    answer.cluster !== before.cluster ||
    answer.revision < before.revision ||
    answer.term < before.term
  );
}
