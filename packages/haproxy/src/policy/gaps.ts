import type { Gap } from '@smartstack/policy';

const oneAtATime = 'it sends a request to one member at a time';
const unknownStatus = 'it tries again after 429 only from version 3.0 on';
const atOnce = 'it tries again at once, on another member';

/** What HAProxy cannot do of a policy, and from which version on it can. */
export const gaps: readonly Gap[] = [
  { word: 'hedge', why: oneAtATime },
  { word: 'routes.hedge', why: oneAtATime },
  { word: 'routes.mirror', why: oneAtATime },
  { word: 'retries.on', value: 429, since: '3.0', why: unknownStatus },
  { word: 'routes.retries.on', value: 429, since: '3.0', why: unknownStatus },
  { word: 'retries.back_off', why: atOnce },
  { word: 'routes.retries.back_off', why: atOnce },
  {
    word: 'outlier_ejection.gateway_errors',
    why: 'it counts all errors together, by outlier_ejection.errors',
  },
  {
    word: 'outlier_ejection.window',
    why: 'it counts errors one after the other, however long that takes',
  },
];
