import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Duration, DurationSchema } from '@bufbuild/protobuf/wkt';

import {
  FractionalPercent_DenominatorType,
  type FractionalPercentSchema,
} from '../proto/envoy/type/v3/percent_pb.ts';

/** A time in milliseconds, to the microsecond, as Envoy's messages have it: in whole numbers, also of a third of a time. */
export function timeOf(milliseconds: number): Duration {
  const micros = Math.round(milliseconds * 1000);
  const seconds = Math.floor(micros / 1_000_000);
  return create(DurationSchema, {
    seconds: BigInt(seconds),
    nanos: (micros - seconds * 1_000_000) * 1000,
  });
}

/** A share from 0 to 1, as parts of a million. */
export const fractionOf = (share: number): MessageInitShape<typeof FractionalPercentSchema> => ({
  numerator: Math.round(share * 1_000_000),
  denominator: FractionalPercent_DenominatorType.MILLION,
});

/** Of what Envoy bounds by itself where nothing is said: no bound. */
export const unlimited = 4_294_967_295;
