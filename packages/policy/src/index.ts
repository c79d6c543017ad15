export { builtIn } from './built-in.ts';
export { policyProblems } from './check/check.ts';
export { circleThrough, type Leads } from './check/circle.ts';
export { isBelow } from './check/covers.ts';
export type { PolicyContext, PolicyProblem } from './check/problem.ts';
export { routeNames } from './check/routes.ts';
export { type UsedWord, wordsOf } from './check/words-of.ts';
export { forTcp } from './for-tcp.ts';
export { type Gap, type Gaps, unsupported, withoutGaps } from './gaps.ts';
export {
  type Labelled,
  type Locality,
  levelOf,
  levelsOf,
  localitySchema,
  nearest,
} from './locality.ts';
export {
  type MergedPolicy,
  mergePolicy,
  originOf,
  type PolicyLayer,
  type PolicyOrigin,
} from './merge.ts';
export {
  type Matched,
  matchRoute,
  type PolicyRequest,
  rest as restRoute,
} from './request/match.ts';
export type { QueryReading } from './request/query.ts';
export { isIn, type Subset, subsetText } from './subset.ts';
export {
  type Balance,
  type Key,
  type Match,
  type Policy,
  type Protocol,
  policySchema,
  protocols,
  type Route,
  type Target,
} from './words/policy.ts';
export { share } from './words/units.ts';
export { written, writtenLine, writtenShare, writtenTime, writtenWord } from './words/written.ts';
