import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Policy } from '@smartstack/policy';

import type { OutlierDetectionSchema } from '../proto/envoy/config/cluster/v3/outlier_detection_pb.ts';
import { timeOf } from './values.ts';

/** When a member that fails gets no requests for a while; undefined where that is never. */
export function ejectionOf({
  outlier_ejection: ejection,
}: Policy): MessageInitShape<typeof OutlierDetectionSchema> | undefined {
  if (!ejection) return undefined;
  const { errors, gateway_errors: gateway, eject_for: ejectFor = 30_000 } = ejection;
  const { max_share: maxShare = 1 } = ejection;
  // Of two that are not given, it is the errors.
  const most = errors ?? (gateway === undefined ? 5 : undefined);
  return {
    enforcingConsecutive5xx: most === undefined ? 0 : 100,
    ...(most !== undefined && { consecutive5xx: most }),
    enforcingConsecutiveGatewayFailure: gateway === undefined ? 0 : 100,
    ...(gateway !== undefined && { consecutiveGatewayFailure: gateway }),
    enforcingSuccessRate: 0,
    // How often Envoy looks whose time is over.
    interval: timeOf(Math.min(1000, ejectFor)),
    baseEjectionTime: timeOf(ejectFor),
    // Else it were longer each time.
    maxEjectionTime: timeOf(ejectFor),
    maxEjectionPercent: Math.floor(maxShare * 100),
  };
}
