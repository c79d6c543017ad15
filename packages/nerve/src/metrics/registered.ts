import type { Metrics } from '@smartstack/daemon';

const checkBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const announceBuckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30];

const durationMetric = {
  name: 'nerve_check_duration_seconds',
  help: 'How long checks took',
  labels: ['service', 'check', 'result'],
  buckets: checkBuckets,
} as const;
const upMetric = {
  name: 'nerve_service_up',
  help: '1 while all checks pass',
  labels: ['service'],
} as const;
const announcedMetric = {
  name: 'nerve_service_announced',
  help: '1 while it is in the registry; by registry where it has several',
  labels: ['service', 'registry'],
} as const;
const changesMetric = {
  name: 'nerve_service_transitions_total',
  help: 'Changes of the state that the checks give, by the new one',
  labels: ['service', 'state'],
} as const;
const latencyMetric = {
  name: 'nerve_announce_duration_seconds',
  help: 'How long it took until an announcement was in the registry',
  labels: ['service', 'registry'],
  buckets: announceBuckets,
} as const;
const errorsMetric = {
  name: 'nerve_registry_errors_total',
  help: 'Announcements, changes and withdrawals that failed and are tried again',
  labels: ['service', 'registry'],
} as const;
const holdsMetric = {
  name: 'nerve_service_holds_total',
  help: 'Times that flapping held a service down',
  labels: ['service'],
} as const;
const throttledMetric = {
  name: 'nerve_service_throttled_total',
  help: 'Announcements over the rate limit, in shadow mode too',
  labels: ['service'],
} as const;

/** nerve's metrics, registered. */
export type Registered = ReturnType<typeof register>;

export function register(metrics: Metrics) {
  return {
    duration: metrics.histogram(durationMetric),
    up: metrics.gauge(upMetric),
    announced: metrics.gauge(announcedMetric),
    changes: metrics.counter(changesMetric),
    latency: metrics.histogram(latencyMetric),
    errors: metrics.counter(errorsMetric),
    holds: metrics.counter(holdsMetric),
    throttled: metrics.counter(throttledMetric),
  };
}
