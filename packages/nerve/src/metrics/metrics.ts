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

/** Registers nerve's metrics. */
export function createMeasures(metrics: Metrics): Measures {
  const labels = ['service'] as const;
  const duration = metrics.histogram({
    name: 'nerve_check_duration_seconds',
    help: 'How long checks took',
    labels: ['service', 'check', 'result'],
    buckets: checkBuckets,
  });
  const up = metrics.gauge({ name: 'nerve_service_up', help: '1 while all checks pass', labels });
  const announced = metrics.gauge({
    name: 'nerve_service_announced',
    help: '1 while it is in the registry',
    labels,
  });
  const changes = metrics.counter({
    name: 'nerve_service_transitions_total',
    help: 'Changes of the state that the checks give, by the new one',
    labels: ['service', 'state'],
  });
  const latency = metrics.histogram({
    name: 'nerve_announce_duration_seconds',
    help: 'How long it took until an announcement stood',
    labels,
    buckets: announceBuckets,
  });
  const errors = metrics.counter({
    name: 'nerve_registry_errors_total',
    help: 'Announcements, changes and withdrawals that failed and are tried again',
    labels,
  });
  const holds = metrics.counter({
    name: 'nerve_service_holds_total',
    help: 'Times that flapping held a service down',
    labels,
  });
  const throttled = metrics.counter({
    name: 'nerve_service_throttled_total',
    help: 'Announcements over the rate limit, in shadow mode too',
    labels,
  });

  /** The latest of each name: when one service replaces another, the end of the old one does not count. */
  const latest = new Map<string, ServiceMeasures>();

  const of = (service: string): ServiceMeasures => {
    if (!latest.has(service)) announced.set({ service }, 0);
    errors.inc({ service }, 0);
    const own: ServiceMeasures = {
      check: (check) => {
        const passes = duration.labels({ service, check, result: 'pass' });
        const failures = duration.labels({ service, check, result: 'fail' });
        return (passed, took) => (passed ? passes : failures).observe(took / 1000);
      },
      state: (isUp) => {
        up.set({ service }, isUp ? 1 : 0);
        changes.inc({ service, state: isUp ? 'up' : 'down' });
      },
      announced: (took) => {
        announced.set({ service }, 1);
        latency.observe({ service }, took / 1000);
      },
      withdrawn: () => {
        if (latest.get(service) === own) announced.set({ service }, 0);
      },
      registryError: () => errors.inc({ service }),
      held: () => holds.inc({ service }),
      throttled: () => throttled.inc({ service }),
    };
    latest.set(service, own);
    return own;
  };
  return {
    of,
    forget: (service) => {
      latest.delete(service);
      up.remove({ service });
      announced.remove({ service });
    },
  };
}

/** Measures that pass everything on to two others. */
export function both(first: ServiceMeasures, second: ServiceMeasures): ServiceMeasures {
  return {
    check: (name) => {
      const [one, other] = [first.check(name), second.check(name)];
      return (passed, took) => {
        one(passed, took);
        other(passed, took);
      };
    },
    state: (up) => {
      first.state(up);
      second.state(up);
    },
    announced: (took) => {
      first.announced(took);
      second.announced(took);
    },
    withdrawn: () => {
      first.withdrawn();
      second.withdrawn();
    },
    registryError: () => {
      first.registryError();
      second.registryError();
    },
    held: () => {
      first.held();
      second.held();
    },
    throttled: (shadow) => {
      first.throttled(shadow);
      second.throttled(shadow);
    },
  };
}
