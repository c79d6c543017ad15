import type { PagePlot, PageSample } from '@smartstack/daemon';

import type { Measured, TrafficHints } from '@smartstack/proxy';

/** The plots of each service, with each proxy's hints; the numbers of `createTraffic` are in this order. */
export const trafficPlots = (hints: readonly TrafficHints[]): readonly PagePlot[] => [
  {
    label: 'Requests',
    unit: '/s',
    hint: hints.map(({ requests }) => requests).join('. '),
    tone: 'plain',
  },
  {
    label: 'Errors',
    unit: '/s',
    hint: hints.map(({ errors }) => errors).join('. '),
    tone: 'bad',
  },
  {
    label: 'Average time',
    unit: 'ms',
    hint: hints.map(({ average }) => average).join('. '),
    tone: 'time',
    percentiles: 'of this average, not of requests',
  },
  {
    label: 'Slowest member',
    unit: 'ms',
    hint: 'The highest of the members’ own moving averages',
    tone: 'time',
  },
];

type Seen = ReadonlyMap<string, Measured>;

/** Turns what a proxy counted into rates. */
export interface Traffic {
  /** Notes what was measured at a time. */
  take(measured: Seen, at: number): void;
  readonly latest: Seen;
  /** The numbers since the last sample, by service; undefined where nothing new was measured. */
  sample(): PageSample['values'] | undefined;
}

export function createTraffic(): Traffic {
  let latest: Seen = new Map();
  let latestAt = 0;
  let before: Seen | undefined;
  let beforeAt = 0;
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
      // A longer time is one without a page open, and its average is no rate of now.
      const values = before && seconds <= 10 ? valuesOf(before, latest, seconds) : undefined;
      before = latest;
      beforeAt = latestAt;
      return values;
    },
  };
}

function valuesOf(before: Seen, latest: Seen, seconds: number): PageSample['values'] {
  const values = [...latest].flatMap(([service, now]) => {
    const old = before.get(service);
    return old ? [[service, numbersOf(old, now, seconds)] as const] : [];
  });
  return Object.fromEntries(values);
}

function numbersOf(old: Measured, now: Measured, seconds: number): readonly (number | null)[] {
  return [
    grown(old.requests, now.requests) / seconds,
    grown(old.errors, now.errors) / seconds,
    now.average ?? null,
    now.slowest ?? null,
  ];
}

/** How much a counter grew; after a reload it began at zero. */
function grown(old: number, now: number): number {
  return now >= old ? now - old : now;
}
