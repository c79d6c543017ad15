import { isDeepStrictEqual } from 'node:util';

import type { Instance } from '@smartstack/registry';
import type { AnnouncerEvents } from '../announce/announcer.ts';
import type { RegistryMeasures } from '../metrics/metrics.ts';

/** What one registry has of a service, as JSON. */
export interface RegistrationStatus {
  /** Whether it is in the registry. */
  readonly announced: boolean;
  /** Whether a record may be in the registry: it is, or the registry has not answered. */
  readonly may_stand: boolean;
  /** Whether the registry has confirmed the desired state: this instance, or no record. */
  readonly confirmed: boolean;
  /** Why the pending change, or the service itself, fails; it is tried again. */
  readonly trouble?: string;
}

/** What is known of a service's record in one registry. */
export interface Registration {
  /** Takes what the announcer reports. */
  readonly events: Required<AnnouncerEvents>;
  /** The record as the registry has confirmed it, where there is one. */
  confirmed(): Instance | undefined;
  /** Compares what the registry has with the desired instance. */
  status(desired: Instance | undefined): RegistrationStatus;
}

/** Creates the registration of a service that is not in the registry; `onAnnounced` is called whenever it is. */
export function createRegistration(
  measures: RegistryMeasures,
  onAnnounced: () => void,
): Registration {
  let announced = false;
  let mayStand = false;
  let confirmed: Instance | undefined;
  let isSure = false;
  let trouble: string | undefined;
  return {
    events: {
      onBegin: () => {
        mayStand = true;
      },
      onConfirmed: (instance) => {
        confirmed = instance;
        isSure = true;
      },
      onGone: () => {
        mayStand = false;
      },
      onAnnounced: (took) => {
        announced = true;
        onAnnounced();
        measures.announced(took);
      },
      onWithdrawn: () => {
        announced = false;
        measures.withdrawn();
      },
      onTrouble: (reason) => {
        trouble = reason;
        if (reason === undefined) return;
        // A failed request may have been carried out.
        isSure = false;
        measures.registryError();
      },
    },
    confirmed: () => (announced ? confirmed : undefined),
    status: (desired) => ({
      announced,
      may_stand: mayStand,
      confirmed: desired
        ? announced && isSure && isDeepStrictEqual(confirmed, desired)
        : !announced && !mayStand,
      ...(trouble !== undefined && { trouble }),
    }),
  };
}
