/** The health of a check after its results so far. */
export interface Health {
  readonly up: boolean;
  /** How many of the latest results, in a row, were the opposite. */
  readonly against: number;
}

/** How many results in a row it takes to come up, and to go down. */
export interface Limits {
  readonly rise: number;
  readonly fall: number;
}

/** The health after one more result. The first decides at once, whatever the limits. */
export function judge(health: Health | undefined, passed: boolean, limits: Limits): Health {
  if (!health) return { up: passed, against: 0 };
  if (passed === health.up) return health.against === 0 ? health : { up: health.up, against: 0 };
  const against = health.against + 1;
  const limit = passed ? limits.rise : limits.fall;
  return against >= limit ? { up: passed, against: 0 } : { up: health.up, against };
}

/** A service is down when any of its checks is, up when all are, and undefined before. */
export function stateOf(checks: readonly (Health | undefined)[]): 'up' | 'down' | undefined {
  if (checks.some((health) => health?.up === false)) return 'down';
  return checks.every((health) => health?.up) ? 'up' : undefined;
}
