import type { Metrics } from '@smartstack/daemon';

/** What is counted of the driver's work. */
export function createMeters(metrics: Metrics) {
  return {
    apply: metrics.histogram({
      name: 'synapse_haproxy_apply_seconds',
      help: 'Time to bring HAProxy in step with a snapshot',
      labels: ['result'],
      buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    }),
    reloads: metrics.counter({
      name: 'synapse_haproxy_reloads_total',
      help: 'Reloads and starts of HAProxy',
      labels: ['result'],
    }),
    quarantined: metrics.gauge({
      name: 'synapse_haproxy_quarantined',
      help: 'Services and sections that are left out of HAProxy or run on their last good lines',
    }),
    up: metrics.gauge({
      name: 'synapse_haproxy_up',
      help: 'Whether HAProxy answered when it was last asked',
    }),
    notInStep: metrics.gauge({
      name: 'synapse_haproxy_services_not_in_step',
      help: 'Services that HAProxy serves otherwise than desired, where neither a command nor a reload helped',
    }),
    unresolved: metrics.gauge({
      name: 'synapse_haproxy_unresolved_members',
      help: 'Members that HAProxy does not serve because their names do not resolve',
    }),
    steps: metrics.counter({
      name: 'synapse_haproxy_steps_total',
      help: 'Membership changes made through the runtime API',
    }),
  };
}

export type Meters = ReturnType<typeof createMeters>;
