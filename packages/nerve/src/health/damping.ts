/** When a service counts as flapping, and for how long it is then held down; times in milliseconds. */
export interface DampingLimits {
  /** More changes than this within the window are too many. */
  readonly changes: number;
  readonly window: number;
  /** The first hold; each further one is twice as long, up to the longest. */
  readonly hold: number;
  readonly maxHold: number;
}

/** How often a service changed lately. */
export interface Damping {
  /** When it changed, the latest last. */
  readonly changes: readonly number[];
  /** How often it was held since it last had no change for a whole window. */
  readonly holds: number;
  /** It is not announced before this. */
  readonly heldUntil: number;
}

export const undamped: Damping = { changes: [], holds: 0, heldUntil: Number.NEGATIVE_INFINITY };

/** The damping after one more change, to up or to down. Only coming up is ever delayed. */
export function damp(damping: Damping, up: boolean, now: number, limits: DampingLimits): Damping {
  const recent = damping.changes.filter((time) => time > now - limits.window);
  const holds = recent.length === 0 ? 0 : damping.holds;
  const changes = [...recent, now].slice(-limits.changes - 1);
  const flapping = changes.length > limits.changes;
  if (!up || !flapping) return { changes, holds, heldUntil: damping.heldUntil };
  const hold = Math.min(limits.maxHold, limits.hold * 2 ** Math.min(holds, 30));
  return { changes, holds: holds + 1, heldUntil: now + hold };
}
