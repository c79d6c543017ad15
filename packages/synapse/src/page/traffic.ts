import type { PageSample } from '@smartstack/daemon';
import { latencyEnds, type Measured, type MeasuredRoute } from '@smartstack/proxy';

import { percents } from './plots.ts';
import { quantile } from './quantile.ts';

type Seen = ReadonlyMap<string, Measured>;

/** Turns what a proxy counted into rates. */
export interface Traffic {
  /** Notes what was measured at a time. */
  take(measured: Seen, at: number): void;
  readonly latest: Seen;
  /** The numbers since the last sample, by service; undefined where nothing new was measured. */
  sample(): PageSample['values'] | undefined;
  /** What they were of a service's routes, where it has several. */
  routes(service: string): readonly RouteNumbers[];
}

/** What one route got, in the order of the plots. */
export interface RouteNumbers {
  readonly name: string;
  readonly numbers: readonly (number | null)[];
}

export function createTraffic(): Traffic {
  let latest: Seen = new Map();
  let latestAt = 0;
  let before: Seen | undefined;
  let beforeAt = 0;
  let routes: ReadonlyMap<string, readonly RouteNumbers[]> = new Map();
  return {
    get latest() {
      return latest;
    },
    take: (measured, at) => {
      latest = measured;
      latestAt = at;
    },
    sample: () => {
      if (latestAt === beforeAt) return undefined;
      const seconds = (latestAt - beforeAt) / 1000;
      // What was counted while no page was open is no rate of now.
      const base = seconds > 10 ? undefined : before;
      const grown = [...latest].flatMap(([service, now]) => {
        const old = base?.get(service);
        return old ? [[service, grownRoutes(old, now), old, now] as const] : [];
      });
      routes = new Map(
        grown.map(([service, each]) => [
          service,
          each.map((one) => ({ name: one.name, numbers: countedNumbers([one], seconds) })),
        ]),
      );
      const values = grown.map(
        ([service, each, old, now]) =>
          [
            service,
            each.length > 0 ? countedNumbers(each, seconds) : numbersOf(old, now, seconds),
          ] as const,
      );
      before = latest;
      beforeAt = latestAt;
      return base && Object.fromEntries(values);
    },
    routes: (service) => routes.get(service) ?? [],
  };
}

/** What was counted of each route since the last sample; after a reload everything began at zero. */
function grownRoutes(old: Measured, now: Measured): readonly MeasuredRoute[] {
  const before = new Map(old.routes.map((route) => [route.name, route]));
  return now.routes.map((route) => {
    const last = before.get(route.name);
    if (!last || isLess(route, last)) return route;
    return {
      name: route.name,
      requests: route.requests - last.requests,
      buckets: route.buckets.map((count, index) => count - (last.buckets[index] ?? 0)),
      errors: Object.fromEntries(
        Object.entries(route.errors).map(([name, count]) => [
          name,
          count - (last.errors[name] ?? 0),
        ]),
      ),
    };
  });
}

const isLess = (one: MeasuredRoute, other: MeasuredRoute) =>
  one.requests < other.requests ||
  one.buckets.some((count, index) => count < (other.buckets[index] ?? 0));

function countedNumbers(
  routes: readonly MeasuredRoute[],
  seconds: number,
): readonly (number | null)[] {
  const sum = (pick: (route: MeasuredRoute) => number) =>
    routes.reduce((total, route) => total + pick(route), 0);
  const buckets = [...latencyEnds, Infinity].map((_, index) =>
    sum((route) => route.buckets[index] ?? 0),
  );
  return [
    sum(({ requests }) => requests) / seconds,
    sum(({ errors }) => errors['5xx'] ?? 0) / seconds,
    ...percents.map((percent) => quantile(buckets, percent / 100)),
  ];
}

function numbersOf(old: Measured, now: Measured, seconds: number): readonly (number | null)[] {
  return [
    grown(old.requests, now.requests) / seconds,
    grown(old.errors, now.errors) / seconds,
    now.average ?? null,
    now.slowest ?? null,
    null,
  ];
}

/** How much a counter grew; after a reload it began at zero. */
function grown(old: number, now: number): number {
  return now >= old ? now - old : now;
}
