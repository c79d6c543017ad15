/** A time of `performance.now`'s clock as the wall clock shows it now. */
export function wallClock(time: number): Date {
  return new Date(Date.now() + time - performance.now());
}

/** A time of the wall clock, in milliseconds, on `performance.now`'s clock: the wall clock may be set at any time. */
export function fromWallClock(time: number): number {
  return time - Date.now() + performance.now();
}
