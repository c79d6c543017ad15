import type { RegistrationStatus } from './registration.ts';
import type { PlaceStatus } from './service-place.ts';

/** What all registries of a service have of it together, as JSON. */
export interface RegistrationsStatus extends RegistrationStatus {
  /** Where it is announced; the first of several. */
  readonly path: string;
  /** Each registry by itself. */
  readonly registries: readonly PlaceStatus[];
}

/**
 * Sums up what each registry has: a service is announced where any has it, gone once none can have a record,
 * and confirmed once all have confirmed what is desired.
 */
export function sumUp(registries: readonly PlaceStatus[]): RegistrationsStatus {
  const [first] = registries;
  const failing = registries.find(({ trouble }) => trouble !== undefined);
  return {
    announced: registries.some(({ announced }) => announced),
    may_stand: registries.some(({ may_stand: mayStand }) => mayStand),
    confirmed: registries.every(({ confirmed }) => confirmed),
    ...(failing?.trouble !== undefined && {
      trouble: registries.length > 1 ? `${failing.registry}: ${failing.trouble}` : failing.trouble,
    }),
    path: first?.path ?? '',
    registries,
  };
}
