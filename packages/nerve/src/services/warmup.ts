const steps = 10;

/** A weight that grows to its full size, and when it grows next, in milliseconds from now. */
export interface GrowingWeight {
  readonly weight: number;
  readonly next?: number;
}

/** The weight of a service that came up so long ago, growing in ten steps over its warm-up. */
export function weightAfter(elapsed: number, warmup: number, full: number): GrowingWeight {
  const step = warmup / steps;
  const done = Math.floor(Math.max(0, elapsed) / step) + 1;
  if (done >= steps) return { weight: full };
  return {
    weight: Math.max(1, Math.floor((full * done) / steps)),
    next: done * step - elapsed,
  };
}
