import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Policy } from '@smartstack/policy';

import { timeOf } from '../policy/values.ts';
import type { OutlierDetectionSchema } from '../proto/envoy/config/cluster/v3/outlier_detection_pb.ts';

/** How often clients look who failed, in milliseconds, where no `window` says it. */
const usual = 10_000;

/** A member is out of which more than this share of calls failed, in percent. */
const mostFailed = 85;

/**
 * When a member that fails gets no calls for a while. gRPC counts no errors in a row: it looks at the calls of the last
 * `window`, where there were at least so many, and every status but OK is a failure to it.
 */
export function grpcEjectionOf({
  outlier_ejection: ejection,
}: Policy): MessageInitShape<typeof OutlierDetectionSchema> | undefined {
  if (!ejection) return undefined;
  const {
    errors,
    gateway_errors: gateway,
    window = usual,
    eject_for: ejectFor = 30_000,
  } = ejection;
  return {
    interval: timeOf(window),
    baseEjectionTime: timeOf(ejectFor),
    // Else it were longer each time.
    maxEjectionTime: timeOf(ejectFor),
    maxEjectionPercent: Math.floor((ejection.max_share ?? 0.5) * 100),
    enforcingSuccessRate: 0,
    enforcingFailurePercentage: 100,
    failurePercentageThreshold: mostFailed,
    failurePercentageMinimumHosts: 1,
    failurePercentageRequestVolume: errors ?? gateway ?? 5,
  };
}
