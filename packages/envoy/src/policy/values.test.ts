import { toBinary } from '@bufbuild/protobuf';
import { DurationSchema } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';

import { timeOf } from './values.ts';

test.each([
  [0, 0n, 0],
  [1, 0n, 1_000_000],
  [250, 0n, 250_000_000],
  [5000, 5n, 0],
  [5000 / 3, 1n, 666_667_000],
  [999.9999, 1n, 0],
])('%d ms are so many seconds and nanoseconds, which can be encoded', (time, seconds, nanos) => {
  const duration = timeOf(time);
  expect(duration).toMatchObject({ seconds, nanos });
  expect(() => toBinary(DurationSchema, duration)).not.toThrow();
});
