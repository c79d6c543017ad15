import { z } from 'zod';

import { balance } from './balance.ts';
import { accessLog, slo } from './observed.ts';
import { hedge, limits, outlierEjection, retries, timeouts } from './recovery.ts';
import { route } from './routes.ts';
import { addressRange, share, time } from './units.ts';

/** How a service's applications speak. */
export const protocols = ['http', 'http2', 'grpc', 'tcp'] as const;
export type Protocol = (typeof protocols)[number];

/**
 * What one layer says of a service's traffic, word by word; a word that it leaves out is another layer's.
 * Times are milliseconds once read, and shares numbers from 0 to 1.
 */
export const policySchema = z.strictObject({
  timeouts: timeouts.optional().meta({
    description: 'how long each part of a request may take',
    examples: [{ connect: '250ms', request: '5s' }],
  }),
  retries: retries.optional().meta({
    description: 'which requests are tried again on another member',
    examples: [{ attempts: 2, on: ['connect_failure', 503] }],
  }),
  hedge: hedge.optional().meta({
    description: 'a second try beside one that takes long; the first answer counts',
    examples: [{ after: '200ms' }],
  }),
  balance: balance.optional(),
  outlier_ejection: outlierEjection.optional().meta({
    description: 'a member that fails gets no requests for a while; `false`: never',
    leaf: true,
    examples: [{ errors: 5, eject_for: '30s', max_share: '50%' }],
  }),
  limits: limits.optional().meta({
    description: 'how much at a time; what is more is refused',
    examples: [{ requests: 1000, per_member: 50 }],
  }),
  allow: z
    .array(addressRange)
    .max(1000)
    .optional()
    .meta({
      description:
        'the addresses that may connect, or ranges of them; others are refused. An empty list refuses all',
      otherwise: 'all that reach the port',
      examples: [['127.0.0.1', '10.0.0.0/8']],
      leaf: true,
    }),
  slow_start: time(100)
    .optional()
    .meta({
      description: 'how long a member that comes, or is back, takes to get its full share',
      otherwise: 'at once',
      examples: ['30s'],
    }),
  panic: share.optional().meta({
    description: 'below this share of members that are not ejected, all are served',
    examples: ['50%'],
  }),
  routes: z
    .array(route)
    .max(100)
    .optional()
    .meta({
      description:
        'what happens to which requests: the first that matches counts, and requests that none matches go to all members',
      otherwise: 'all requests go to all members',
      examples: [[{ match: { path_prefix: '/v2' }, to: { service: 'web-v2' } }]],
    }),
  access_log: accessLog.optional(),
  request_id: z
    .boolean()
    .optional()
    .meta({
      description: 'gives each request an `x-request-id` where it has none',
      examples: [true],
    }),
  trace: z
    .enum(['w3c', 'b3', 'off'])
    .optional()
    .meta({
      description:
        'gives each request a trace context where it has none: `traceparent` (`w3c`), or `x-b3-…` (`b3`)',
      examples: ['w3c'],
    }),
  slo: slo.optional().meta({
    description: 'what callers may expect: alerts follow from it',
    examples: [{ availability: '99.9%', latency: { p99: '300ms' } }],
  }),
});

export type Policy = z.output<typeof policySchema>;
export type { Balance, Key } from './balance.ts';
export type { Match } from './match.ts';
export type { Route, Target } from './routes.ts';
