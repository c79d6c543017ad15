import { createDeadline, type Family, type Metrics } from '@smartstack/daemon';
import {
  latencyEnds,
  type Measured,
  type MeasuredRoute,
  type ProxyDriver,
  type Service,
  type Snapshot,
} from '@smartstack/proxy';

export interface TrafficMetricsParts {
  readonly metrics: Metrics;
  readonly drivers: readonly Pick<ProxyDriver, 'measure'>[];
  snapshot(): Snapshot;
}

/** How long a scrape waits for a proxy, in milliseconds: without an answer it goes on without these. */
const patience = 2_000;

/**
 * Exports what proxies count of services that have a policy. Each proxy is asked once a scrape, by nothing else,
 * and not at all where no service has a policy.
 */
export function exportTraffic({ metrics, drivers, snapshot }: TrafficMetricsParts): void {
  metrics.asked(async () => {
    const services = [...snapshot().values()].filter(({ policy }) => policy !== undefined);
    const measured = services.length > 0 ? await measuredBy(drivers) : new Map();
    const counted = services.flatMap(({ name }): Counted[] => {
      const one = measured.get(name);
      return one ? [{ name, measured: one, routes: routesOf(one) }] : [];
    });
    return [...traffic(counted), ...recovery(counted), ...objectives(services)];
  });
}

async function measuredBy(
  drivers: TrafficMetricsParts['drivers'],
): Promise<ReadonlyMap<string, Measured>> {
  using deadline = createDeadline(patience);
  const nothing: ReadonlyMap<string, Measured> = new Map();
  const all = await Promise.all(
    drivers.map((driver) => driver.measure(deadline.signal).catch(() => nothing)),
  );
  return new Map(all.flatMap((one) => [...one]));
}

interface Counted {
  readonly name: string;
  readonly measured: Measured;
  readonly routes: readonly (Omit<MeasuredRoute, 'buckets'> & Partial<MeasuredRoute>)[];
}

/** Connections have no routes, and no time until an answer. */
function routesOf({ mode, routes, requests, errors }: Measured): Counted['routes'] {
  return mode === 'tcp' ? [{ name: 'rest', requests, errors: { connection: errors } }] : routes;
}

function traffic(counted: readonly Counted[]): readonly Family[] {
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

function recovery(counted: readonly Counted[]): readonly Family[] {
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

/** What services promise; rules compare it with what is counted. */
function objectives(services: readonly Service[]): readonly Family[] {
  const slos = services.map(({ name, policy }) => ({ service: name, slo: policy?.policy.slo }));
  return [
    {
      name: 'smartstack_slo_availability_ratio',
      help: 'The share of requests that is to end without an error (policy.slo.availability)',
      type: 'gauge',
      samples: slos.flatMap(({ service, slo }) =>
        slo?.availability === undefined
          ? []
          : [{ labels: { service }, value: Number(slo.availability.toPrecision(9)) }],
      ),
    },
    {
      name: 'smartstack_slo_latency_seconds',
      help: 'How long a share of the requests may take at most (policy.slo.latency)',
      type: 'gauge',
      samples: slos.flatMap(({ service, slo }) =>
        Object.entries(slo?.latency ?? {}).flatMap(([name, time]) =>
          time === undefined
            ? []
            : [
                {
                  labels: { service, quantile: String(Number(name.slice(1)) / 100) },
                  value: time / 1000,
                },
              ],
        ),
      ),
    },
  ];
}
