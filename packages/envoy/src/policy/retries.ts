import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import type { Policy } from '@smartstack/policy';

import type {
  RetryPolicySchema,
  RouteActionSchema,
} from '../proto/envoy/config/route/v3/route_components_pb.ts';
import { PreviousHostsPredicateSchema } from '../proto/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.ts';
import { timeOf } from './values.ts';

export type Words = Pick<Policy, 'retries' | 'timeouts' | 'hedge'>;

/** What failed before anything of the request was sent. */
const neverSent = ['connect-failure', 'refused-stream', 'reset-before-request'];

/** How long, how often and beside what a request is tried. */
export function triesOf(
  words: Words,
): Pick<MessageInitShape<typeof RouteActionSchema>, 'timeout' | 'retryPolicy' | 'hedgePolicy'> {
  const { timeouts: { request, per_try: perTry } = {}, hedge } = words;
  const tryTime = hedge?.after ?? perTry ?? partOf(words);
  const retries = retriesOf(words);
  return {
    // No time at all is Envoy's word for no limit: else it were 15 s.
    timeout: timeOf(request ?? 0),
    ...((retries || tryTime !== undefined) && {
      retryPolicy: {
        ...retries,
        ...(tryTime !== undefined && { perTryTimeout: timeOf(tryTime) }),
        // A second try has no effect on the first: what ends this one is that nothing comes.
        ...(hedge && perTry !== undefined && { perTryIdleTimeout: timeOf(perTry) }),
      },
    }),
    ...(hedge && { hedgePolicy: { hedgeOnPerTryTimeout: true } }),
  };
}

/** How long one try may take where only the time of all is said: an equal part of it. */
function partOf({ timeouts: { request } = {}, retries = {} }: Words): number | undefined {
  const { attempts = 0 } = retries;
  return request === undefined || attempts === 0 || isSentOnce(retries)
    ? undefined
    : request / (1 + attempts);
}

/** Whether what is tried again was never sent: that takes no time of the other tries. */
const isSentOnce = ({ on = ['connect_failure'] }: NonNullable<Policy['retries']>) =>
  on.every((cause) => cause === 'connect_failure');

function retriesOf({
  retries = {},
  hedge,
}: Words): MessageInitShape<typeof RetryPolicySchema> | undefined {
  const { attempts = 0, on = ['connect_failure'], back_off: backOff } = retries;
  const most = hedge ? Math.max(1, attempts) : attempts;
  if (most === 0) return undefined;
  const statuses = on.filter((cause) => typeof cause === 'number');
  const causes = [
    // A second try beside the first is one of these too, whatever it is tried again for.
    ...(on.includes('connect_failure') || hedge ? neverSent : []),
    // Envoy counts a try that took too long as one that was reset.
    ...(on.includes('reset') || on.includes('timeout') ? ['reset'] : []),
    ...(statuses.length > 0 ? ['retriable-status-codes'] : []),
  ];
  return {
    retryOn: causes.join(','),
    numRetries: most,
    retriableStatusCodes: statuses,
    retryHostPredicate: [previousHosts],
    hostSelectionRetryMaxAttempts: 5n,
    retryBackOff: backOffOf(backOff, most),
  };
}

/**
 * What holds of requests whose method may not be sent a second time: only what was never sent is tried again. Undefined
 * where that is the same for all.
 */
export function sentOnceOf(words: Words): Words | undefined {
  const { hedge, retries = {}, ...rest } = words;
  const { on = ['connect_failure'], attempts = 0 } = retries;
  if (!hedge && (attempts === 0 || isSentOnce(retries))) return undefined;
  const isTried = on.includes('connect_failure');
  return {
    ...rest,
    retries: { ...retries, on: ['connect_failure'], attempts: isTried ? attempts : 0 },
  };
}

/** Each wait is at random up to its end; where none is asked for, it is as short as Envoy has it. */
function backOffOf(base: number | undefined, attempts: number) {
  if (base === undefined) return { baseInterval: timeOf(1), maxInterval: timeOf(1) };
  return { baseInterval: timeOf(base), maxInterval: timeOf(base * 2 ** attempts) };
}

const previousHosts = {
  name: 'envoy.retry_host_predicates.previous_hosts',
  configType: {
    case: 'typedConfig',
    value: anyPack(PreviousHostsPredicateSchema, create(PreviousHostsPredicateSchema)),
  },
} as const;
