import type { Gap } from '@smartstack/policy';

/** What Envoy cannot do of a policy. */
export const gaps: readonly Gap[] = [];
