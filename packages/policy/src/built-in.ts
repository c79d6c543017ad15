import type { Policy, Protocol } from './words/policy.ts';

/** What holds of a service with a policy where nothing else is said. */
export function builtIn(protocol: Protocol): Policy {
  return protocol === 'tcp' ? common : { ...common, ...http };
}

const common: Policy = {
  timeouts: { connect: 1000, idle: 60_000, queue: 5000 },
  retries: { attempts: 2, on: ['connect_failure'] },
  balance: 'round_robin',
};

const http: Policy = {
  retries: {
    attempts: 2,
    on: ['connect_failure'],
    methods: ['GET', 'HEAD', 'OPTIONS'],
    budget: 0.2,
  },
  outlier_ejection: { errors: 5, eject_for: 30_000, max_share: 0.5 },
};
