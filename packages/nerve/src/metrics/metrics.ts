import type { Metrics } from '@smartstack/daemon';

/** The measurements of one service. */
export interface ServiceMeasures {
  /** A check of this name ran; `took` in milliseconds. */
  check(name: string): (passed: boolean, took: number) => void;
  state(up: boolean): void;
  /** It is in the registry, after so many milliseconds. */
  announced(took: number): void;
  withdrawn(): void;
  registryError(): void;
  /** It flapped and is held down. */
  held(): void;
  /** It was announced too often, and held back unless that is in shadow mode. */
  throttled(shadow: boolean): void;
}

const checkBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const announceBuckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30];

/** nerve's metrics. */
export interface Measures {
  of(service: string): ServiceMeasures;
  /** Removes the gauges of a service that has ended. */
  forget(service: string): void;
}

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
  help: '1 while it is in the registry',
  labels: ['service'],
} as const;
const changesMetric = {
  name: 'nerve_service_transitions_total',
  help: 'Changes of the state that the checks give, by the new one',
  labels: ['service', 'state'],
} as const;
const latencyMetric = {
  name: 'nerve_announce_duration_seconds',
  help: 'How long it took until an announcement stood',
  labels: ['service'],
  buckets: announceBuckets,
} as const;
const errorsMetric = {
  name: 'nerve_registry_errors_total',
  help: 'Announcements, changes and withdrawals that failed and are tried again',
  labels: ['service'],
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

/** Registers nerve's metrics. */
export function createMeasures(metrics: Metrics): Measures {
  const registered = register(metrics);
  const { up, announced, errors } = registered;
  /** The latest of each name: when one service replaces another, the end of the old one does not count. */
  const latest = new Map<string, ServiceMeasures>();

  return {
    of: (service) => {
      if (!latest.has(service)) announced.set({ service }, 0);
      errors.inc({ service }, 0);
      const own: ServiceMeasures = measuresOf(
        service,
        registered,
        () => latest.get(service) === own,
      );
      latest.set(service, own);
      return own;
    },
    forget: (service) => {
      latest.delete(service);
      up.remove({ service });
      announced.remove({ service });
    },
  };
}

function register(metrics: Metrics) {
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

function measuresOf(
  service: string,
  metrics: ReturnType<typeof register>,
  isLatest: () => boolean,
): ServiceMeasures {
  return {
    check: (check) => {
      const passes = metrics.duration.labels({ service, check, result: 'pass' });
      const failures = metrics.duration.labels({ service, check, result: 'fail' });
      return (passed, took) => (passed ? passes : failures).observe(took / 1000);
    },
    state: (isUp) => {
      metrics.up.set({ service }, isUp ? 1 : 0);
      metrics.changes.inc({ service, state: isUp ? 'up' : 'down' });
    },
    announced: (took) => {
      metrics.announced.set({ service }, 1);
      metrics.latency.observe({ service }, took / 1000);
    },
    withdrawn: () => {
      if (isLatest()) metrics.announced.set({ service }, 0);
    },
    registryError: () => metrics.errors.inc({ service }),
    held: () => metrics.holds.inc({ service }),
    throttled: () => metrics.throttled.inc({ service }),
  };
}

/** Measures that pass everything on to two others. */
export function both(first: ServiceMeasures, second: ServiceMeasures): ServiceMeasures {
  const toEach = (pass: (measures: ServiceMeasures) => void) => {
    pass(first);
    pass(second);
  };
  return {
    check: (name) => {
      const [one, other] = [first.check(name), second.check(name)];
      return (passed, took) => {
        one(passed, took);
        other(passed, took);
      };
    },
    state: (up) => toEach((each) => each.state(up)),
    announced: (took) => toEach((each) => each.announced(took)),
    withdrawn: () => toEach((each) => each.withdrawn()),
    registryError: () => toEach((each) => each.registryError()),
    held: () => toEach((each) => each.held()),
    throttled: (shadow) => toEach((each) => each.throttled(shadow)),
  };
}
