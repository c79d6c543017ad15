import type { Family } from '@smartstack/daemon';
import { latencyEnds, type Measured, type MeasuredRoute } from '@smartstack/proxy';

/** What a proxy counted of one service. */
export interface Counted {
  readonly name: string;
  readonly measured: Measured;
  readonly routes: readonly (Omit<MeasuredRoute, 'buckets'> & Partial<MeasuredRoute>)[];
}

/** What counts as routes: connections have none, and no time until an answer. */
export function routesOf({ mode, routes, requests, errors }: Measured): Counted['routes'] {
  return mode === 'tcp' ? [{ name: 'rest', requests, errors: { connection: errors } }] : routes;
}

/** Requests, errors and times, by route. */
export function traffic(counted: readonly Counted[]): readonly Family[] {
  const each = counted.flatMap(({ name: service, routes }) =>
    routes.map((route) => ({ route, labels: { service, route: route.name } })),
  );
  return [
    {
      name: 'smartstack_request_duration_seconds',
      help: 'Time from a request to the head of its answer, the proxy’s own answers included; _sum is an estimate: each answer counts as the middle of its bucket, and one over 10 s as 10 s',
      type: 'histogram',
      samples: each.flatMap(({ route: { buckets }, labels }) =>
        buckets ? histogram(buckets, labels) : [],
      ),
    },
    {
      name: 'smartstack_requests_total',
      help: 'Requests (tcp: connections) since the proxy’s worker started',
      type: 'counter',
      samples: each.map(({ route, labels }) => ({ labels, value: route.requests })),
    },
    {
      name: 'smartstack_request_errors_total',
      help: 'Answers with an error, by class: 4xx and 5xx, the proxy’s own included; tcp: connection',
      type: 'counter',
      samples: each.flatMap(({ route, labels }) =>
        Object.entries(route.errors).map(([type, value]) => ({
          labels: { ...labels, class: type },
          value,
        })),
      ),
    },
  ];
}

function histogram(
  buckets: readonly number[],
  labels: Readonly<Record<string, string>>,
): Family['samples'] {
  const ends = latencyEnds.map((end) => end / 1000);
  let count = 0;
  let sum = 0;
  const samples = buckets.map((value, index) => {
    const [start = 0, end] = [ends[index - 1], ends[index]];
    count += value;
    sum += value * (end === undefined ? start : (start + end) / 2);
    const le = end === undefined ? '+Inf' : String(end);
    return { suffix: '_bucket', labels: { ...labels, le }, value: count };
  });
  return [
    ...samples,
    { suffix: '_sum', labels, value: sum },
    { suffix: '_count', labels, value: count },
  ];
}

/** What the proxy did about failures. */
export function recovery(counted: readonly Counted[]): readonly Family[] {
  const of = (pick: (measured: Measured) => number | undefined) =>
    counted.flatMap(({ name: service, measured }) => {
      const value = pick(measured);
      return value === undefined ? [] : [{ labels: { service }, value }];
    });
  return [
    {
      name: 'smartstack_retries_total',
      help: 'Tries after the first one, on the same or another member',
      type: 'counter',
      samples: of(({ retries }) => retries),
    },
    {
      name: 'smartstack_redispatches_total',
      help: 'Requests that were tried again on another member',
      type: 'counter',
      samples: of(({ redispatches }) => redispatches),
    },
    {
      name: 'smartstack_ejections_total',
      help: 'Times that a member was ejected because it failed too many requests',
      type: 'counter',
      samples: of(({ ejections }) => ejections),
    },
    {
      name: 'smartstack_ejected_members',
      help: 'Members that are ejected now',
      type: 'gauge',
      samples: of(({ ejections, servers }) =>
        ejections === undefined
          ? undefined
          : [...servers.values()].filter(({ ejected }) => ejected).length,
      ),
    },
  ];
}
