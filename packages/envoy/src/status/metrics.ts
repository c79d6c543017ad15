import type { Metrics } from '@smartstack/daemon';

/** What is counted of the driver's work. */
export function createMeters(metrics: Metrics) {
  return {
    apply: metrics.histogram({
      name: 'synapse_envoy_apply_seconds',
      help: 'Time to serve a snapshot to Envoy',
      labels: ['result'],
      buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    }),
    starts: metrics.counter({
      name: 'synapse_envoy_starts_total',
      help: 'Starts of Envoy: because it did not run (started), or to replace another one (restarted)',
      labels: ['result'],
    }),
    up: metrics.gauge({
      name: 'synapse_envoy_up',
      help: 'Whether an Envoy is connected, and has what it is served',
    }),
    refused: metrics.gauge({
      name: 'synapse_envoy_refused',
      help: 'Services that are left out of Envoy or run on what it took last',
    }),
    unresolved: metrics.gauge({
      name: 'synapse_envoy_unresolved_members',
      help: 'Members that Envoy does not serve because their names do not resolve',
    }),
  };
}

export type Meters = ReturnType<typeof createMeters>;
