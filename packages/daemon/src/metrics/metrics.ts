import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

import { type Family, familiesText } from './families.ts';

/** What a metric is called and which labels it carries; names follow Prometheus' conventions. */
export interface MetricOptions<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly Label[];
}

/** The daemon's own metrics; the only place that knows the library. */
export interface Metrics {
  counter<L extends string>(options: MetricOptions<L>): Counter<L>;
  gauge<L extends string>(options: MetricOptions<L>): Gauge<L>;
  histogram<L extends string>(
    options: MetricOptions<L> & { readonly buckets: readonly number[] },
  ): Histogram<L>;
  /** Asks for further series at each `text`, once; what rejects is left out that time. */
  asked(ask: () => Promise<readonly Family[]>): void;
  /** All metrics in Prometheus' text format, and the content type to serve it with. */
  text(): Promise<{ readonly body: string; readonly contentType: string }>;
}

/** Statistics of the event loop's delay: sampling it a hundred times a second would double an idle daemon's CPU time. */
const sampled = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'];
const never = 2 ** 31 - 1;

/** Node's own metrics, all but those that wake an idle process; the lag at the moment of a scrape stays. */
function collectProcess(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: never });
  for (const name of sampled) registry.removeSingleMetric(`nodejs_eventloop_lag_${name}_seconds`);
}

/** An empty set of metrics; asking twice for one name gives the same metric. `process: true` adds Node's own. */
export function createMetrics(options: { readonly process?: boolean } = {}): Metrics {
  const registry = new Registry();
  const asks: (() => Promise<readonly Family[]>)[] = [];
  if (options.process) collectProcess(registry);

  function once<M>(name: string, create: () => M): M {
    return (registry.getSingleMetric(name) as M | undefined) ?? create();
  }
  const settings = <L extends string>({ name, help, labels = [] }: MetricOptions<L>) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
  });

  return {
    counter: (metric) => once(metric.name, () => new Counter(settings(metric))),
    gauge: (metric) => once(metric.name, () => new Gauge(settings(metric))),
    histogram: (metric) =>
      once(metric.name, () => new Histogram({ ...settings(metric), buckets: [...metric.buckets] })),
    asked: (ask) => {
      asks.push(ask);
    },
    text: async () => {
      const families = await Promise.all(asks.map((ask) => ask().catch(() => [])));
      const body = `${await registry.metrics()}${familiesText(families.flat())}`;
      return { body, contentType: registry.contentType };
    },
  };
}
