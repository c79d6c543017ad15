import type { Measured } from '@smartstack/proxy';

import { createAverages } from './averages.ts';
import type { Admin } from './client.ts';
import { type Counted, type Counts, createCounts, statsFilter } from './counted.ts';
import { createEjections } from './ejections.ts';
import { readMembers } from './members.ts';
import { routesOf } from './routes.ts';
import { type SeenCluster, seenNow, serversOf } from './servers.ts';
import { createStatsReader } from './stats.ts';

/** A service whose traffic is measured. */
export interface MeasuredService {
  readonly mode: 'http' | 'tcp';
  /** The names of its clusters. */
  readonly clusters: readonly string[];
  /** The names of its routes as its policy has them, with the last one for what none matches; none where it has no policy. */
  readonly routes: readonly string[];
  /** How long a member is ejected each time, in milliseconds; undefined where none is. */
  readonly ejectFor: number | undefined;
}

/** Reads what Envoy counted. */
export interface Measuring {
  /**
   * By service. At 500 services it costs Envoy some 0.1 s of its main thread, twice that after 5 s, and no time of the
   * threads that serve. Times are up to 5 s old; members are read only of clusters that changed since.
   */
  measure(
    services: ReadonlyMap<string, MeasuredService>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Measured>>;
}

/** `ejections` is the file in which Envoy writes which members it ejects; without it, it is not known since when and why. */
export function createMeasuring(admin: Admin, ejections: string | undefined): Measuring {
  const events = createEjections(ejections);
  const seen = new Map<string, SeenCluster>();
  const averages = createAverages();
  const readStats = createStatsReader(admin, statsFilter);
  let uptime = 0;

  /** Reads the members of clusters that are not as they were. */
  async function refresh(counts: Counts, clusters: readonly string[], signal: AbortSignal) {
    const changed = clusters.filter((name) => seen.get(name)?.print !== counts.membersOf(name));
    const read = await readMembers(admin, changed, signal);
    const known = new Set(clusters);
    for (const name of seen.keys()) if (!known.has(name)) seen.delete(name);
    for (const name of changed) {
      const members = read.get(name);
      if (!members) seen.delete(name);
      else seen.set(name, seenNow(members, counts.membersOf(name), seen.get(name)));
    }
  }

  return {
    measure: async (services, signal) => {
      const stats = await readStats(signal);
      const running = stats.values.get('server.uptime') ?? 0;
      // Another Envoy: its counters may be where those of the one before were.
      if (running < uptime) seen.clear();
      uptime = running;
      const counts = createCounts(stats);
      await refresh(
        counts,
        [...services.values()].flatMap(({ clusters }) => clusters),
        signal,
      );
      await events.read();
      averages.keep(services);
      const measured = [...services].map(([name, service]) => {
        const counted = counts.of(name, service.clusters);
        const average = averages.of(name, counted.answers.buckets);
        const servers = serversOf(service, seen, events);
        return [name, measuredOf(service, counted, { average, servers })] as const;
      });
      return new Map(measured);
    },
  };
}

function measuredOf(
  { mode, routes, ejectFor }: MeasuredService,
  counted: Counted,
  { average, servers }: Pick<Measured, 'average' | 'servers'>,
): Measured {
  const { answers, connections, failures, retries, queued, ejections } = counted;
  const isHttp = mode === 'http';
  return {
    mode,
    requests: isHttp ? answers.requests : connections,
    errors: isHttp ? answers.errors['5xx'] : failures,
    average: isHttp ? average : undefined,
    // Envoy keeps no average of a member, and no single longest answer.
    slowest: undefined,
    longest: undefined,
    retries,
    redispatches: 0,
    queued,
    routes: isHttp ? routesOf(counted, routes) : [],
    ejections: ejectFor === undefined ? undefined : ejections,
    servers,
  };
}
