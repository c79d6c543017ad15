/** What a proxy counted and checked of one service's traffic. */
export interface Measured {
  readonly mode: 'http' | 'tcp';
  /** Since its worker started: requests (connections where it is TCP), and those that ended in an error. */
  readonly requests: number;
  readonly errors: number;
  /** The proxy's own moving average of how long servers take to answer (to accept where it is TCP), in milliseconds. */
  readonly average: number | undefined;
  /** The highest of the servers' averages, and the longest single answer since the worker started. */
  readonly slowest: number | undefined;
  readonly longest: number | undefined;
  /** Retries since the worker started, and requests that wait for a server now. */
  readonly retries: number;
  readonly queued: number;
  readonly servers: ReadonlyMap<string, MeasuredServer>;
}

/** One server as its proxy sees it. */
export interface MeasuredServer {
  readonly name: string;
  readonly address: string;
  /** The proxy's own word. */
  readonly status: string;
  /** Since when, in milliseconds since 1970, known to a second. */
  readonly since: number;
  /** What its last check said. */
  readonly reason: string;
}

/** Several parts of one service as one; the average is that of the part that is asked most. */
export function together(parts: readonly Measured[]): Measured {
  const busiest = parts.reduce((most, part) => (part.requests > most.requests ? part : most));
  const sum = (pick: (part: Measured) => number) =>
    parts.reduce((total, part) => total + pick(part), 0);
  const most = (pick: (part: Measured) => number | undefined) => {
    const values = parts.flatMap((part) => pick(part) ?? []);
    return values.length > 0 ? Math.max(...values) : undefined;
  };
  return {
    ...busiest,
    requests: sum(({ requests }) => requests),
    errors: sum(({ errors }) => errors),
    retries: sum(({ retries }) => retries),
    queued: sum(({ queued }) => queued),
    slowest: most(({ slowest }) => slowest),
    longest: most(({ longest }) => longest),
    servers: new Map(parts.flatMap(({ servers }) => [...servers])),
  };
}
