/** A server that is out of rotation and is deleted once its connections have ended. */
export interface Leaving {
  readonly replace: boolean;
  /** Its connections have ended, and it stays in maintenance: a new one would need a reload. */
  readonly parked: boolean;
  /** When its connections are cut, and when to look again. */
  readonly deadline: number;
  readonly next: number;
  readonly tries: number;
}

/** Leaves from now on; its connections are cut at the deadline. */
export const leavingUntil = (deadline: number, replace = false): Leaving => ({
  replace,
  deadline,
  next: Math.min(deadline, performance.now() + 50),
  tries: 0,
  parked: false,
});

/** Stays in maintenance for a time. */
export function parkedFor(time: number): Leaving {
  const deadline = performance.now() + time;
  return { ...leavingUntil(deadline), next: deadline, parked: true };
}

/** Looks again after twice as long, at the deadline at the latest. */
export function later(one: Leaving): Leaving {
  const wait = Math.min(2_000, 50 * 2 ** Math.min(one.tries, 6));
  const next = performance.now() + wait;
  const isEarly = one.deadline > performance.now();
  return { ...one, tries: one.tries + 1, next: isEarly ? Math.min(next, one.deadline) : next };
}
