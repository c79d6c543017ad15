import type { Balance } from './words/balance.ts';
import type { Policy } from './words/policy.ts';

/** What of a policy also holds where there are connections and no requests: of a fleet's defaults the rest is ignored. */
export function forTcp(policy: Policy): Policy {
  const { hedge: _h, routes: _r, request_id: _i, trace: _t, ...rest } = policy;
  const { timeouts, retries, balance, slo } = rest;
  return {
    ...rest,
    timeouts: timeouts && { connect: timeouts.connect, idle: timeouts.idle, queue: timeouts.queue },
    retries: retries && { attempts: retries.attempts },
    balance: balance && isOfRequests(balance) ? undefined : balance,
    slo: slo && { availability: slo.availability },
  };
}

/** Whether a balance looks at something that only a request has. */
export function isOfRequests(balance: Balance): boolean {
  return typeof balance === 'object' && !Object.values(balance).includes('source');
}
