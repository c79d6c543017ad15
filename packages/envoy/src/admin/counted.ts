import { latencyEnds } from '@smartstack/proxy';

import { type Stats, statName } from './stats.ts';

/** Answers by their class, and by how long they took. */
export interface Answers {
  readonly requests: number;
  readonly errors: Readonly<Record<'4xx' | '5xx', number>>;
  readonly buckets: readonly number[];
}

/** What Envoy counted of one service. */
export interface Counted {
  /** What its listener answered, Envoy's own answers included. */
  readonly answers: Answers;
  /** What its routes did, by their names: without what was answered before a member was asked for. */
  readonly routes: ReadonlyMap<string, Answers>;
  /** Connections to its listener where it is TCP, and those of them that were given to no member. */
  readonly connections: number;
  readonly failures: number;
  readonly retries: number;
  readonly queued: number;
  readonly ejections: number;
}

/** What of a cluster is counted; a sum over the clusters of a service. */
const ofClusters = {
  retries: 'upstream_rq_retry',
  queued: 'upstream_rq_pending_active',
  ejections: 'outlier_detection.ejections_enforced_total',
  noMember: 'upstream_cx_none_healthy',
  notConnected: 'upstream_cx_connect_attempts_exceeded',
  refused: 'upstream_cx_overflow',
} as const;
/** What tells that the members of a cluster are others, or in another state. */
const ofMembers = [
  'membership_change',
  'membership_total',
  'membership_healthy',
  'membership_degraded',
  'membership_excluded',
  'update_success',
  'outlier_detection.ejections_active',
  'outlier_detection.ejections_enforced_total',
];
const answered = 'completed|4xx|5xx|time';

/** The statistics that tell whether members are others, as a regular expression. */
export const membersFilter = `^(?:server\\.uptime|cluster\\..+\\.(?:${ofMembers.join('|')}))$`;

/** The statistics that are read, as a regular expression. */
export const statsFilter = `^(?:server\\.uptime|http\\..+\\.downstream_rq_(?:${answered})|vhost\\..+\\.route\\..+\\.upstream_rq_(?:${answered})|tcp\\..+\\.downstream_cx_(?:total|no_route)|cluster\\..+\\.(?:${[...new Set([...Object.values(ofClusters), ...ofMembers])].join('|')}))$`;

/** What was counted, by the names that a service's listener, routes and clusters have. */
export interface Counts {
  of(service: string, clusters: readonly string[]): Counted;
  /** Something that is another one when the members of a cluster are, or their state. */
  membersOf(cluster: string): string;
}

export function createCounts(stats: Stats): Counts {
  const { values } = stats;
  let routes: ReturnType<typeof routesIn> | undefined;
  const countOf = (name: string) => values.get(name) ?? 0;
  const ofCluster = (cluster: string, what: string) =>
    countOf(`cluster.${statName(cluster)}.${what}`);
  return {
    of: (service, clusters) => {
      const own = statName(service);
      routes ??= routesIn(values);
      const sum = (what: keyof typeof ofClusters) =>
        clusters.reduce((total, cluster) => total + ofCluster(cluster, ofClusters[what]), 0);
      return {
        answers: answersOf(stats, `http.${own}.downstream_rq`),
        routes: new Map(
          [...(routes.get(own) ?? [])].map((route) => [
            route,
            answersOf(stats, `vhost.${own}.route.${route}.upstream_rq`),
          ]),
        ),
        connections: countOf(`tcp.${own}.downstream_cx_total`),
        failures:
          countOf(`tcp.${own}.downstream_cx_no_route`) +
          sum('noMember') +
          sum('notConnected') +
          sum('refused'),
        retries: sum('retries'),
        queued: sum('queued'),
        ejections: sum('ejections'),
      };
    },
    membersOf: (cluster) => {
      const own = `cluster.${statName(cluster)}`;
      return ofMembers.map((what) => countOf(`${own}.${what}`)).join(' ');
    },
  };
}

/** The routes of each service that were ever taken. */
function routesIn(values: Stats['values']): ReadonlyMap<string, ReadonlySet<string>> {
  const routes = new Map<string, Set<string>>();
  for (const name of values.keys()) {
    if (!name.startsWith('vhost.')) continue;
    const [, service, route] = /^vhost\.(.+)\.route\.(.+)\.upstream_rq_\w+$/.exec(name) ?? [];
    if (service === undefined || route === undefined) continue;
    routes.set(service, (routes.get(service) ?? new Set()).add(route));
  }
  return routes;
}

function answersOf({ values, histograms }: Stats, prefix: string): Answers {
  return {
    requests: values.get(`${prefix}_completed`) ?? 0,
    errors: { '4xx': values.get(`${prefix}_4xx`) ?? 0, '5xx': values.get(`${prefix}_5xx`) ?? 0 },
    buckets: histograms.get(`${prefix}_time`) ?? nothing.buckets,
  };
}

export const nothing: Answers = {
  requests: 0,
  errors: { '4xx': 0, '5xx': 0 },
  buckets: new Array<number>(latencyEnds.length + 1).fill(0),
};
