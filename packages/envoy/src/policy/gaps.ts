import type { Gap } from '@smartstack/policy';

/** What Envoy cannot do of a policy. */
export const gaps: readonly Gap[] = [
  {
    word: 'timeouts.queue',
    why: 'a request that waits for a member has the time of timeouts.per_try and timeouts.request, and none of its own; limits.pending says how many may wait',
  },
  {
    word: 'outlier_ejection.window',
    why: 'it counts errors one after the other, however long that takes',
  },
  {
    word: 'limits.pending',
    value: 0,
    why: 'a request waits there while its connection is made, too',
  },
];
