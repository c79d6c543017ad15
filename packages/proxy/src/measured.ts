/**
 * Upper ends of the buckets in which proxies count how long answers took, in milliseconds; one more bucket takes
 * what is longer. A proxy that counts takes these, so that one dashboard and one alert do for all of them.
 */
export const latencyEnds = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000,
] as const;

/** What a proxy counted of one route of a service, since its worker started. */
export interface MeasuredRoute {
  /** As the policy calls it; `rest` for what no route matches. */
  readonly name: string;
  readonly requests: number;
  /** Answers that are errors, the proxy's own included, by class: `4xx` and `5xx`. */
  readonly errors: Readonly<Record<string, number>>;
  /**
   * How many answers took how long, from the request's arrival to the answer's head: each counts in one of
   * `latencyEnds`, or in the last of these, which has no end.
   */
  readonly buckets: readonly number[];
}

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
  /** Since the worker started: requests that were tried again, and those of them that went to another server. */
  readonly retries: number;
  readonly redispatches: number;
  /** Requests that wait for a server now. */
  readonly queued: number;
  /** By route, where the service has a policy whose answers are counted; else none. */
  readonly routes: readonly MeasuredRoute[];
  /** How often a server was ejected since the worker started; undefined where the policy ejects none. */
  readonly ejections: number | undefined;
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
  /** Where it gets no requests because it failed too many. */
  readonly ejected?: Ejection;
}

/** Why a server gets no requests for a while. */
export interface Ejection {
  /** In milliseconds since 1970, known to a second. */
  readonly since: number;
  readonly why: string;
  /** When it gets requests again; undefined where that was tried, and it did not accept connections. */
  readonly back?: number;
  /** How long it is out each time, in milliseconds. */
  readonly time: number;
}

/** What was counted of routes is what counts of a service: servers do not see what their proxy answers itself. */
export function withRoutes(measured: Measured, routes: readonly MeasuredRoute[]): Measured {
  if (routes.length === 0) return measured;
  const sum = (pick: (route: MeasuredRoute) => number) =>
    routes.reduce((total, route) => total + pick(route), 0);
  return {
    ...measured,
    routes,
    requests: sum(({ requests }) => requests),
    errors: sum(({ errors }) => errors['5xx'] ?? 0),
  };
}

/**
 * Several parts of one service as one; the average is that of the part that is asked most, and a server that
 * any part ejected is shown so.
 */
export function together(parts: readonly Measured[]): Measured {
  const busiest = parts.reduce((most, part) => (part.requests > most.requests ? part : most));
  const sum = (pick: (part: Measured) => number) =>
    parts.reduce((total, part) => total + pick(part), 0);
  const most = (pick: (part: Measured) => number | undefined) => {
    const values = parts.flatMap((part) => pick(part) ?? []);
    return values.length > 0 ? Math.max(...values) : undefined;
  };
  const servers = new Map<string, MeasuredServer>();
  for (const part of parts)
    for (const [name, server] of part.servers)
      if (isWorse(server, servers.get(name))) servers.set(name, server);
  const ejections = parts.flatMap((part) => part.ejections ?? []);
  const all = {
    ...busiest,
    requests: sum(({ requests }) => requests),
    errors: sum(({ errors }) => errors),
    retries: sum(({ retries }) => retries),
    redispatches: sum(({ redispatches }) => redispatches),
    queued: sum(({ queued }) => queued),
    slowest: most(({ slowest }) => slowest),
    longest: most(({ longest }) => longest),
    ejections: ejections.length > 0 ? ejections.reduce((one, other) => one + other) : undefined,
    servers,
  };
  return withRoutes(
    all,
    parts.flatMap(({ routes }) => routes),
  );
}

/** Whether a server says more of its member than what is known of it by another part. */
function isWorse(server: MeasuredServer, known: MeasuredServer | undefined): boolean {
  if (!known || known.ejected) return !known;
  const isDown = ({ status }: MeasuredServer) => /^DOWN/i.test(status);
  return server.ejected !== undefined || (isDown(server) && !isDown(known));
}
