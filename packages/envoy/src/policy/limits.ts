import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Policy, Protocol } from '@smartstack/policy';

import type { CircuitBreakersSchema } from '../proto/envoy/config/cluster/v3/circuit_breaker_pb.ts';
import { unlimited } from './values.ts';

/** How much a cluster has at a time. What is not said has no bound: Envoy's own are 1024, and 3 retries. */
export function limitsOf(
  { limits = {}, retries }: Policy,
  protocol: Protocol,
): MessageInitShape<typeof CircuitBreakersSchema> {
  const isTcp = protocol === 'tcp';
  const { pending, requests, per_member: perMember } = limits;
  const budget = isTcp ? undefined : budgetOf(retries ?? {});
  return {
    thresholds: [
      {
        maxConnections: unlimited,
        // None at all would be no request at all: see what it cannot do.
        maxPendingRequests: pending || unlimited,
        maxRequests: isTcp ? unlimited : (requests ?? unlimited),
        ...(budget === undefined
          ? { maxRetries: unlimited }
          : { retryBudget: { budgetPercent: { value: budget * 100 }, minRetryConcurrency: 3 } }),
      },
    ],
    ...(perMember !== undefined && {
      // With HTTP/2 many requests share a connection: one of them has so many streams.
      perHostThresholds: [{ maxConnections: isMultiplexed(protocol) ? 1 : perMember }],
    }),
  };
}

/** Whether one connection has several requests at a time. */
export const isMultiplexed = (protocol: Protocol): boolean =>
  protocol === 'http2' || protocol === 'grpc';

/** What was never sent is tried again whatever the budget, where nothing else is. */
function budgetOf(retries: NonNullable<Policy['retries']>): number | undefined {
  const { on = ['connect_failure'], attempts = 0, budget } = retries;
  if (attempts === 0 || budget === undefined || budget >= 1) return undefined;
  return on.every((cause) => cause === 'connect_failure') ? undefined : budget;
}
