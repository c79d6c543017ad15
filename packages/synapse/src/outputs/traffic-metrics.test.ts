import { createMetrics } from '@smartstack/daemon';
import { latencyEnds, type Measured, type Service } from '@smartstack/proxy';
import { expect, test } from 'vitest';

import { exportTraffic } from './traffic-metrics.ts';

const plain: Service = { name: 'plain', instances: [], defaults: [], origin: 'here' };
const policed: Service = {
  ...plain,
  name: 'web',
  policy: {
    policy: { slo: { availability: 0.999, latency: { p50: 5, p99: 300 } } },
    origins: new Map(),
  },
};

const measured: Measured = {
  mode: 'http',
  requests: 5,
  errors: 1,
  average: 3,
  slowest: undefined,
  longest: 9,
  retries: 2,
  redispatches: 1,
  queued: 0,
  routes: [
    {
      name: 'a"b\\c',
      requests: 5,
      errors: { '4xx': 0, '5xx': 1 },
      buckets: [...latencyEnds, Infinity].map((end) => (end === 10 ? 3 : Number(end === Infinity))),
    },
  ],
  ejections: 7,
  servers: new Map(),
};

/** Metrics of services whose proxy answers so, and how often it was asked. */
function exported(services: readonly Service[], measure: () => Promise<Measured>) {
  const metrics = createMetrics();
  let asked = 0;
  exportTraffic({
    metrics,
    drivers: [
      {
        measure: async () => {
          asked += 1;
          return new Map([
            ['web', await measure()],
            ['plain', await measure()],
          ]);
        },
      },
    ],
    snapshot: () => new Map(services.map((service) => [service.name, service])),
  });
  return {
    text: async () => (await metrics.text()).body,
    get asked() {
      return asked;
    },
  };
}

test('what a proxy counted is exported as Prometheus has it, of services with a policy', async () => {
  const metrics = exported([plain, policed], async () => measured);
  const lines = (await metrics.text()).split('\n');
  const labels = 'service="web",route="a\\"b\\\\c"';
  const name = 'smartstack_request_duration_seconds';
  expect(lines).toContain(`${name}_bucket{${labels},le="0.005"} 0`);
  expect(lines).toContain(`${name}_bucket{${labels},le="0.01"} 3`);
  expect(lines).toContain(`${name}_bucket{${labels},le="10"} 3`);
  expect(lines).toContain(`${name}_bucket{${labels},le="+Inf"} 4`);
  expect(lines).toContain(`${name}_count{${labels}} 4`);
  expect(lines).toContain(`${name}_sum{${labels}} 10.0225`);
  expect(lines).toContain(`smartstack_requests_total{${labels}} 5`);
  expect(lines).toContain(`smartstack_request_errors_total{${labels},class="5xx"} 1`);
  expect(lines).toContain('smartstack_retries_total{service="web"} 2');
  expect(lines).toContain('smartstack_redispatches_total{service="web"} 1');
  expect(lines).toContain('smartstack_ejections_total{service="web"} 7');
  expect(lines).toContain('smartstack_ejected_members{service="web"} 0');
  expect(lines).toContain('smartstack_slo_availability_ratio{service="web"} 0.999');
  expect(lines).toContain('smartstack_slo_latency_seconds{service="web",quantile="0.5"} 0.005');
  expect(lines).toContain('smartstack_slo_latency_seconds{service="web",quantile="0.99"} 0.3');
  expect(lines.filter((line) => line.includes('"plain"'))).toEqual([]);
});

test('a proxy is asked once a scrape, and not where no service has a policy', async () => {
  const metrics = exported([plain, policed], async () => measured);
  expect(metrics.asked).toBe(0);
  await metrics.text();
  await metrics.text();
  expect(metrics.asked).toBe(2);
  const none = exported([plain], async () => measured);
  expect(await none.text()).not.toContain('smartstack_');
  expect(none.asked).toBe(0);
});

test('a proxy that does not answer takes its own counters away and nothing else', async () => {
  const metrics = exported([policed], () => Promise.reject(new Error('no answer')));
  const text = await metrics.text();
  expect(text).toContain('smartstack_slo_availability_ratio{service="web"} 0.999');
  expect(text).not.toContain('smartstack_requests_total');
});
