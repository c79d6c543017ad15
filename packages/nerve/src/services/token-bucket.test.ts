import { expect, test } from 'vitest';

import { type BucketLimits, fullBucket, takeToken } from './token-bucket.ts';

/** The waits of requests at the given times, in milliseconds. */
function waits(limits: BucketLimits, times: readonly number[]): readonly number[] {
  let bucket = fullBucket(limits, 0);
  return times.map((time) => {
    const taken = takeToken(bucket, limits, time);
    bucket = taken.bucket;
    return taken.wait;
  });
}
const { POSITIVE_INFINITY: infinite } = Number;

test.each([
  ['no limit never waits', { averageRate: infinite, maxBurst: infinite }, [0, 0, 0], [0, 0, 0]],
  [
    '2 a second wait for half a second each',
    { averageRate: 2, maxBurst: 2 },
    [0, 0, 0, 250, 500],
    [0, 0, 500, 250, 0],
  ],
  [
    'a burst is no more than allowed',
    { averageRate: 10, maxBurst: 2 },
    [10_000, 10_000, 10_000],
    [0, 0, 100],
  ],
  [
    'one in ten seconds has its first at once',
    { averageRate: 0.1, maxBurst: 5 },
    [0, 1000],
    [0, 9000],
  ],
  ['a rate of 0 lets one through', { averageRate: 0, maxBurst: 5 }, [0, 1000], [0, infinite]],
])('%s', (_, limits, times, expected) => {
  expect(waits(limits, times)).toEqual(expected);
});
