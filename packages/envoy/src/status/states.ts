import type { StateMeaning } from '@smartstack/proxy';

/** The states of members in the driver's status, in the words of Envoy's `/clusters`. */
export const states = {
  healthy: 'healthy',
  degraded: 'degraded',
  unhealthy: 'unhealthy',
  /** Told to Envoy as DRAINING: no longer announced, finishes its requests. */
  draining: 'draining',
  /** Ejected by outlier detection. */
  ejected: 'ejected',
  /** Served by synapse, and Envoy has not confirmed it yet; why stands behind a colon. */
  missing: 'not in envoy',
  /** Envoy cannot be asked; why stands behind a colon. */
  unknown: 'not known',
} as const;

/** What a state means for those who know no Envoy. */
export function meaningOf(state: string): StateMeaning {
  if (state === states.healthy || state === states.degraded) return 'up';
  if (state === states.draining) return 'leaving';
  return state.startsWith(states.unknown) ? 'unknown' : 'down';
}
