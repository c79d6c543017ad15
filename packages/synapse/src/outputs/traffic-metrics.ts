import { createDeadline, type Family, type Metrics } from '@smartstack/daemon';
import type { Measured, ProxyDriver, Service, Snapshot } from '@smartstack/proxy';

import { type Counted, recovery, routesOf, traffic } from './traffic-families.ts';

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
