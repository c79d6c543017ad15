import type { Metrics } from '@smartstack/daemon';

import { type Registered, register } from './registered.ts';

/** The measurements of one service. */
export interface ServiceMeasures {
  /** A check of this name ran; `took` in milliseconds. */
  check(name: string): (passed: boolean, took: number) => void;
  state(up: boolean): void;
  /** It is in the registry; `took` in milliseconds. */
  announced(took: number): void;
  withdrawn(): void;
  registryError(): void;
  /** It flapped and is held down. */
  held(): void;
  /** It was announced too often, and held back unless that is in shadow mode. */
  throttled(shadow: boolean): void;
}

/** nerve's metrics. */
export interface Measures {
  of(service: string): ServiceMeasures;
  /** Removes the gauges of a service that has ended. */
  forget(service: string): void;
}

/** Registers nerve's metrics. */
export function createMeasures(metrics: Metrics): Measures {
  const registered = register(metrics);
  const { up, announced } = registered;
  /** The latest of each name: when one service replaces another, the end of the old one does not count. */
  const latest = new Map<string, ServiceMeasures>();

  return {
    of: (service) => {
      if (!latest.has(service)) announced.set({ service }, 0);
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

function measuresOf(
  service: string,
  metrics: Registered,
  isLatest: () => boolean,
): ServiceMeasures {
  metrics.errors.inc({ service }, 0);
  return {
    check: (check) => checkMeasure(metrics, service, check),
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

function checkMeasure({ duration }: Registered, service: string, check: string) {
  const passes = duration.labels({ service, check, result: 'pass' });
  const failures = duration.labels({ service, check, result: 'fail' });
  return (passed: boolean, took: number) => (passed ? passes : failures).observe(took / 1000);
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
