import type { Route, Subset } from '@smartstack/policy';

import { fractionOf } from './values.ts';

/** The requests that are sent to other members too, whose answers are ignored. */
export function mirrorOf(
  { mirror }: Route,
  clusterOf: (service: string, subset?: Subset) => string,
) {
  if (!mirror) return [];
  return [
    {
      cluster: clusterOf(mirror.to.service, mirror.to.subset),
      runtimeFraction: { defaultValue: fractionOf(mirror.share) },
      disableShadowHostSuffixAppend: true,
    },
  ];
}
