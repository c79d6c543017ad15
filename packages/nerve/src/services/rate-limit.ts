import type { Log } from '@smartstack/daemon';

import type { ServicePolicy } from '../config/config.ts';
import type { ServiceMeasures } from '../metrics/metrics.ts';
import type { Decision } from './decision.ts';
import { type Bucket, fullBucket, takeToken } from './token-bucket.ts';

/**
 * Limits how often one service is announced. The function it returns is given a decision to announce the
 * service, takes a token for it, and returns that decision, or one to wait when there is no token.
 */
export function createRateLimit(
  limits: ServicePolicy['rateLimit'],
  { log, measures }: { readonly log: Log; readonly measures: ServiceMeasures },
): (decision: Decision, now: number) => Decision {
  let bucket: Bucket | undefined;
  return (decision, now) => {
    if (!limits) return decision;
    const taken = takeToken(bucket ?? fullBucket(limits, now), limits, now);
    bucket = taken.bucket;
    if (taken.wait === 0) return decision;
    measures.throttled(limits.shadow);
    log.warn(
      { shadow: limits.shadow, fix: 'find out why it comes and goes: nerve status' },
      'service is announced too often',
    );
    if (limits.shadow) return decision;
    const until = Number.isFinite(taken.wait) ? { until: now + taken.wait } : {};
    return { reason: 'rate limit', ...until };
  };
}
