import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Duration, durationFromMs } from '@bufbuild/protobuf/wkt';

import {
  FractionalPercent_DenominatorType,
  type FractionalPercentSchema,
} from '../proto/envoy/type/v3/percent_pb.ts';

/** A time in milliseconds, as Envoy's messages have it. */
export const timeOf = (milliseconds: number): Duration =>
  durationFromMs(Math.round(milliseconds * 1000) / 1000);

/** A share from 0 to 1, as parts of a million. */
export const fractionOf = (share: number): MessageInitShape<typeof FractionalPercentSchema> => ({
  numerator: Math.round(share * 1_000_000),
  denominator: FractionalPercent_DenominatorType.MILLION,
});

/** Of what Envoy bounds by itself where nothing is said: no bound. */
export const unlimited = 4_294_967_295;

/** A text that Envoy puts in as it is: in a format a percent sign begins a command. */
export const literal = (text: string): string => text.replaceAll('%', '%%');

/** A text as a part of a regular expression (RE2). */
export const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
