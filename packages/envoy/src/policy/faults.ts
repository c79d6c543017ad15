import { create } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import type { Route } from '@smartstack/policy';

import { HTTPFaultSchema } from '../proto/envoy/extensions/filters/http/fault/v3/fault_pb.ts';
import { fractionOf, timeOf } from './values.ts';

/** The name of the filter that makes them. */
export const faultFilter = 'envoy.filters.http.fault';

/** The faults that a route makes on purpose; undefined where it makes none. */
export function faultOf({ fault }: Route): Any | undefined {
  const { delay, abort } = fault ?? {};
  if (!delay && !abort) return undefined;
  return anyPack(
    HTTPFaultSchema,
    create(HTTPFaultSchema, {
      ...(delay && {
        delay: {
          faultDelaySecifier: { case: 'fixedDelay', value: timeOf(delay.time) },
          percentage: fractionOf(delay.share),
        },
      }),
      ...(abort && {
        abort: {
          errorType: { case: 'httpStatus', value: abort.status },
          percentage: fractionOf(abort.share),
        },
      }),
    }),
  );
}
