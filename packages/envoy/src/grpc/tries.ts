import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Policy } from '@smartstack/policy';

import { timeOf } from '../policy/values.ts';
import type {
  RetryPolicySchema,
  RouteActionSchema,
} from '../proto/envoy/config/route/v3/route_components_pb.ts';
import { callMethod, retriedStatuses } from './retried.ts';

type Retries = NonNullable<Policy['retries']>;

/** By so much C core gives up too early, in milliseconds, at the most: grpc/grpc#34547. */
const tooEarly = 2000;

/** How long a call may take, with all its tries: no client ends one before its time, and some 2 s after it. */
export function durationOf({
  request,
}: NonNullable<Policy['timeouts']>): Pick<
  MessageInitShape<typeof RouteActionSchema>,
  'maxStreamDuration'
> {
  return request === undefined
    ? {}
    : { maxStreamDuration: { maxStreamDuration: timeOf(request + tooEarly) } };
}

/** How often a call is tried, and after which statuses. */
export function retriesOf({
  attempts = 0,
  on = [],
  methods = [callMethod],
  back_off: backOff,
}: Retries): MessageInitShape<typeof RetryPolicySchema> | undefined {
  const codes = new Set(on.flatMap((cause) => retriedStatuses[cause] ?? []));
  if (attempts === 0 || codes.size === 0 || !methods.includes(callMethod)) return undefined;
  const first = backOff ?? 1;
  return {
    retryOn: [...codes].join(','),
    numRetries: attempts,
    retryBackOff: {
      baseInterval: timeOf(first),
      maxInterval: timeOf(backOff === undefined ? first : first * 2 ** attempts),
    },
  };
}
