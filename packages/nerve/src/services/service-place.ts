import { createLatest, type Log } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';

import { keepAnnounced } from '../announce/announcer.ts';
import type { OpenedPlace } from '../announce/reporters/reporter.ts';
import { keyOfPlace, type Place } from '../announce/reporters/table.ts';
import type { RegistryMeasures } from '../metrics/metrics.ts';
import { isAway } from './away.ts';
import { createRegistration, type RegistrationStatus } from './registration.ts';

export interface ServicePlaceDeps {
  readonly place: Place;
  readonly opened: OpenedPlace;
  readonly log: Log;
  readonly measures: RegistryMeasures;
  /** Whether records of an earlier nerve there were all taken over or withdrawn. */
  isCleared?(): boolean;
  /** Ends withdrawals that the registry does not confirm. */
  readonly stopWithdrawing?: AbortSignal | undefined;
}

/** What one registry has of a service, as JSON. */
export interface PlaceStatus extends RegistrationStatus {
  readonly registry: string;
  readonly path: string;
  /** Whether it does not answer now. */
  readonly away: boolean;
}

/** A service in one of its registries, where it is announced by itself: what another one does changes nothing here. */
export interface ServicePlace {
  /** Equal for two ways to write one place. */
  readonly key: string;
  /** Resolves once the service is there, or is known not to be announced. */
  readonly reported: Promise<void>;
  /** Keeps what is desired announced until the signal aborts; then withdraws it, unless that is a `HandOff`. */
  keep(signal: AbortSignal): Promise<void>;
  /** Announces this instance from now on; with undefined none. */
  desire(instance: Instance | undefined): void;
  /** Notes that the service is known not to be announced. */
  settle(): void;
  /** Withdraws, for another service that has taken this one's place. */
  leave(): void;
  /** The record as the registry has confirmed it, where there is one. */
  confirmed(): Instance | undefined;
  status(): PlaceStatus;
}

/** Creates the announcer of a service in one registry; `keep` starts it. */
export function createServicePlace({
  place,
  opened,
  log,
  measures,
  isCleared,
  stopWithdrawing,
}: ServicePlaceDeps): ServicePlace {
  const { path, registry } = place;
  const instances = createLatest<Instance | undefined>();
  const reported = createEvent();
  const registration = createRegistration(measures, reported.happen);
  let desired: Instance | undefined;
  let hasLeft = false;

  /** Assumes that there are records when that cannot be determined. */
  function hasInherited(): boolean {
    try {
      return !isCleared?.() && (opened.inherited?.remains() ?? false);
    } catch {
      return true;
    }
  }

  return {
    key: keyOfPlace(place),
    reported: reported.happened,
    keep: (signal) =>
      keepAnnounced(
        instances,
        { registry: opened, path, log, stopWithdrawing, ...registration.events },
        signal,
      ),
    desire: (instance) => {
      if (hasLeft) return;
      desired = instance;
      instances.set(instance);
    },
    settle: reported.happen,
    leave: () => {
      hasLeft = true;
      desired = undefined;
      instances.set(undefined);
    },
    confirmed: registration.confirmed,
    status: () => {
      const registered = registration.status(desired);
      return {
        registry,
        path,
        ...registered,
        may_stand: registered.may_stand || hasInherited(),
        away: isAway(opened.lastUnhealthy?.()),
      };
    },
  };
}

/** A promise that the caller resolves. */
function createEvent() {
  let happen = () => {};
  const happened = new Promise<void>((resolve) => {
    happen = resolve;
  });
  return { happened, happen: () => happen() };
}
