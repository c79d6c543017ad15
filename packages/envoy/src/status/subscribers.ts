import type { Refused } from '@smartstack/proxy';

import type { AdsServer } from '../xds/server.ts';
import type { StreamStatus } from '../xds/status.ts';

/** The Envoys that are connected; gRPC applications are other subscribers of the same server. */
export interface Envoys {
  readonly all: readonly StreamStatus[];
  /** Whether there is one, and each has confirmed all that it asked for. */
  readonly isInStep: boolean;
  /** Whether each one that is connected has confirmed or refused all that it asked for. */
  readonly isSettled: boolean;
  /** What they refuse, once for each service. */
  readonly refused: readonly Refused[];
}

/** Tells the Envoy that synapse runs, by its node's id; where it runs none, each one that calls itself so. */
export const isEnvoy =
  (node: string | undefined) =>
  ({ id, userAgent }: { readonly id: string; readonly userAgent: string }): boolean =>
    userAgent === 'envoy' && (node === undefined || id === node);

/** `node` is the id of the Envoy that synapse runs, where it runs one. */
export function envoysOf(ads: Pick<AdsServer, 'status'>, node: string | undefined): Envoys {
  const isOne = isEnvoy(node);
  const all = ads.status().filter((each) => isOne({ ...each, id: each.node }));
  const refused = new Map<string, Refused>();
  for (const { rejected } of all)
    for (const { service, reason, since, serves } of rejected)
      if (!refused.has(service))
        refused.set(service, { owner: service, reason, since, lastGood: serves === 'last good' });
  return {
    all,
    isInStep: all.length > 0 && all.every(({ inStep }) => inStep),
    get isSettled() {
      return all.length > 0 && all.every(isSettled);
    },
    refused: [...refused.values()],
  };
}

const isSettled = ({ types, rejected }: StreamStatus) =>
  Object.entries(types).every(
    ([type, { pending }]) => pending === 0 || rejected.some((one) => one.type === type),
  );
