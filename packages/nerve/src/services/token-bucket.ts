export interface BucketLimits {
  /** Tokens a second; infinite for no limit. */
  readonly averageRate: number;
  /** How many tokens it holds at most. */
  readonly maxBurst: number;
}

export interface Bucket {
  readonly tokens: number;
  /** When it was filled last, in milliseconds. */
  readonly filledAt: number;
}

/** A full bucket. */
export function fullBucket({ averageRate, maxBurst }: BucketLimits, now: number): Bucket {
  return { tokens: Math.max(1, Math.min(averageRate, maxBurst)), filledAt: now };
}

/** Takes a token: the bucket after it, and how long to wait until there is one, 0 when it was taken. */
export function takeToken(
  bucket: Bucket,
  { averageRate, maxBurst }: BucketLimits,
  now: number,
): { readonly bucket: Bucket; readonly wait: number } {
  if (!Number.isFinite(averageRate)) return { bucket, wait: 0 };
  const filled = bucket.tokens + ((now - bucket.filledAt) / 1000) * averageRate;
  const tokens = Math.min(Math.max(1, maxBurst), filled);
  if (tokens >= 1) return { bucket: { tokens: tokens - 1, filledAt: now }, wait: 0 };
  const wait = averageRate > 0 ? ((1 - tokens) / averageRate) * 1000 : Number.POSITIVE_INFINITY;
  return { bucket: { tokens, filledAt: now }, wait };
}
