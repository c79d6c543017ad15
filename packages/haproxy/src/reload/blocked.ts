import type { Desired } from '../desired/desired.ts';
import type { Reasons } from './reasons.ts';

export interface BlockedInput {
  readonly desired: ReadonlyMap<string, Desired>;
  /** Reasons for a reload that the last one did not help. */
  readonly waiting: Reasons;
  /** Reasons for a reload that may help. */
  readonly asked: Reasons;
  /** Why there can be no reload; undefined where there can. */
  readonly cannot: string | undefined;
  /** The backends of a HAProxy whose file something else writes; undefined where synapse writes it. */
  readonly backends: ReadonlySet<string> | undefined;
}

/** Why services are not as desired, where neither a command nor a reload helps now. */
export function blockedOf({ desired, waiting, asked, cannot, backends }: BlockedInput): Reasons {
  const missing = [...desired].flatMap(([service, { part }]) => {
    const { backendName } = part.stanza;
    if (!backends || backends.has(backendName)) return [];
    const why = `HAProxy has no backend ${backendName}, and do_writes is false: add it to HAProxy's file and reload HAProxy`;
    return [[service, why] as const];
  });
  return new Map([
    ...missing,
    ...[...waiting].map(
      ([service, reason]) => [service, `${reason}; the reload did not help`] as const,
    ),
    ...(cannot === undefined ? [] : [...asked]).map(
      ([service, reason]) => [service, `${reason}; ${cannot}`] as const,
    ),
  ]);
}
