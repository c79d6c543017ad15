export {
  type Labelled,
  type Locality,
  levelOf,
  levelsOf,
  localitySchema,
  nearest,
} from './locality.ts';
export { type MergedPolicy, mergePolicy, type PolicyLayer, type PolicyOrigin } from './merge.ts';
export type { Policy } from './policy.ts';
