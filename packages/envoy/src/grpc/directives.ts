import type { Directives, Snapshot } from '@smartstack/proxy';

import type { EnvoyConfig } from '../config/config.ts';
import { isOff } from '../config/section.ts';
import { isCallable } from './callable.ts';
import { grpcNotes } from './gaps.ts';

/** What of a service's policy is other for gRPC applications that call it without a proxy; none where there are none. */
export function grpcDirectives(
  service: string,
  config: EnvoyConfig | undefined,
  snapshot: Snapshot,
): readonly Directives[] {
  const called = snapshot.get(service);
  if (!config || isOff(config) || !called || !isCallable(called)) return [];
  const notes = grpcNotes(called);
  return [
    {
      title: `gRPC applications (xds:///${service})`,
      lines:
        notes.length === 0
          ? ['as the policy says']
          : notes.map(({ word, why }) => `${word}: ${why}`),
    },
  ];
}
