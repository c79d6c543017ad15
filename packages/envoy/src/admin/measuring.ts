import type { Measured, MeasuredServer } from '@smartstack/proxy';

import { createAverages } from './averages.ts';
import type { Admin } from './client.ts';
import { type Counted, type Counts, createCounts, membersFilter, statsFilter } from './counted.ts';
import { createEjections } from './ejections.ts';
import { readMembers } from './members.ts';
import { routesOf } from './routes.ts';
import { type SeenCluster, seenNow, serversOf } from './servers.ts';
import { createStatsReader, readStats, type Stats } from './stats.ts';
import { inTurns } from './turns.ts';

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
  /** The members alone: Envoy is asked for no counts of requests, and no times. */
  members(
    services: ReadonlyMap<string, MeasuredService>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Servers>>;
}

/** By their names. */
type Servers = ReadonlyMap<string, MeasuredServer>;

/** How many are looked at in one turn of the event loop. */
const servicesPerTurn = 50;
const clustersPerTurn = 100;

/** `ejections` is the file in which Envoy writes which members it ejects; without it, it is not known since when and why. */
export function createMeasuring(admin: Admin, ejections: string | undefined): Measuring {
  const events = createEjections(ejections);
  const seen = new Map<string, SeenCluster>();
  const averages = createAverages();
  const readAll = createStatsReader(admin, statsFilter);
  let uptime = 0;

  /** Reads the members of clusters that are not as they were. */
  async function refresh(
    stats: Stats,
    services: ReadonlyMap<string, MeasuredService>,
    signal: AbortSignal,
  ): Promise<Counts> {
    const running = stats.values.get('server.uptime') ?? 0;
    // Another Envoy: its counters may be where those of the one before were.
    if (running < uptime) seen.clear();
    uptime = running;
    const counts = createCounts(stats);
    const clusters = [...services.values()].flatMap((service) => service.clusters);
    const prints = new Map<string, string>();
    for await (const turn of inTurns(clusters, clustersPerTurn))
      for (const name of turn) prints.set(name, counts.membersOf(name));
    for (const name of seen.keys()) if (!prints.has(name)) seen.delete(name);
    const changed = clusters.filter((name) => seen.get(name)?.print !== prints.get(name));
    for await (const [name, members] of readMembers(admin, changed, signal)) {
      const print = prints.get(name) ?? '';
      if (!members) seen.delete(name);
      else seen.set(name, seenNow(members, print, seen.get(name)));
    }
    await events.read();
    return counts;
  }

  return {
    measure: async (services, signal) => {
      const counts = await refresh(await readAll(signal), services, signal);
      averages.keep(services);
      return mapped(services, (service, name) => {
        const counted = counts.of(name, service.clusters);
        const average = averages.of(name, counted.answers.buckets);
        const servers = serversOf(service, seen, events);
        return measuredOf(service, counted, { average, servers });
      });
    },
    members: async (services, signal) => {
      await refresh(await readStats(admin, membersFilter, signal), services, signal);
      return mapped(services, (service) => serversOf(service, seen, events));
    },
  };
}

/** What is made of each service, a few in each turn of the event loop. */
async function mapped<Value>(
  services: ReadonlyMap<string, MeasuredService>,
  make: (service: MeasuredService, name: string) => Value,
): Promise<ReadonlyMap<string, Value>> {
  const made = new Map<string, Value>();
  for await (const turn of inTurns(services, servicesPerTurn))
    for (const [name, service] of turn) made.set(name, make(service, name));
  return made;
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
