import type { Metrics } from '@smartstack/daemon';

import { type Registered, register } from './registered.ts';

/** The measurements of one service. */
export interface ServiceMeasures {
  /** A check of this name ran; `took` in milliseconds. */
  check(name: string): (passed: boolean, took: number) => void;
  state(up: boolean): void;
  /** What becomes of it in one registry, which has a name where there are several. */
  at(registry: string | undefined): RegistryMeasures;
  /** It flapped and is held down. */
  held(): void;
  /** It was announced too often, and held back unless that is in shadow mode. */
  throttled(shadow: boolean): void;
}

/** The measurements of one service in one registry. */
export interface RegistryMeasures {
  /** It is there; `took` in milliseconds. */
  announced(took: number): void;
  withdrawn(): void;
  registryError(): void;
}

/** nerve's metrics. */
export interface Measures {
  of(service: string): ServiceMeasures;
  /** Removes the gauges of a service that has ended. */
  forget(service: string): void;
}

/** The labels of a service in one registry. */
interface Labels {
  readonly service: string;
  readonly registry?: string;
}

/** Registers nerve's metrics. */
export function createMeasures(metrics: Metrics): Measures {
  const registered = register(metrics);
  const { up, announced } = registered;
  /** The latest of each name: when one service replaces another, the end of the old one does not count. */
  const latest = new Map<string, { readonly at: Map<string, Labels> }>();

  return {
    of: (service) => {
      const before = latest.get(service);
      const own = { at: new Map<string, Labels>() };
      latest.set(service, own);
      const at = (registry: string | undefined): RegistryMeasures => {
        const labels: Labels = { service, ...(registry !== undefined && { registry }) };
        const key = registry ?? '';
        own.at.set(key, labels);
        if (!before?.at.has(key)) announced.set({ ...labels }, 0);
        return registryMeasures(registered, labels, () => {
          const newest = latest.get(service);
          if (newest === own) announced.set({ ...labels }, 0);
          else if (!newest?.at.has(key)) announced.remove({ ...labels });
        });
      };
      return { ...measuresOf(service, registered), at };
    },
    forget: (service) => {
      for (const labels of latest.get(service)?.at.values() ?? []) announced.remove({ ...labels });
      latest.delete(service);
      up.remove({ service });
    },
  };
}

function measuresOf(service: string, metrics: Registered): Omit<ServiceMeasures, 'at'> {
  return {
    check: (check) => checkMeasure(metrics, service, check),
    state: (isUp) => {
      metrics.up.set({ service }, isUp ? 1 : 0);
      metrics.changes.inc({ service, state: isUp ? 'up' : 'down' });
    },
    held: () => metrics.holds.inc({ service }),
    throttled: () => metrics.throttled.inc({ service }),
  };
}

function registryMeasures(
  { announced, latency, errors }: Registered,
  labels: Labels,
  withdrawn: () => void,
): RegistryMeasures {
  errors.inc({ ...labels }, 0);
  return {
    announced: (took) => {
      announced.set({ ...labels }, 1);
      latency.observe({ ...labels }, took / 1000);
    },
    withdrawn,
    registryError: () => errors.inc({ ...labels }),
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
    at: (registry) => {
      const places = [first.at(registry), second.at(registry)];
      return {
        announced: (took) => {
          for (const each of places) each.announced(took);
        },
        withdrawn: () => {
          for (const each of places) each.withdrawn();
        },
        registryError: () => {
          for (const each of places) each.registryError();
        },
      };
    },
    held: () => toEach((each) => each.held()),
    throttled: (shadow) => toEach((each) => each.throttled(shadow)),
  };
}
