import { z } from 'zod';

import { count, method, share, time } from './units.ts';

/** How long each part of a request may take. */
export const timeouts = z.strictObject({
  connect: time()
    .optional()
    .meta({
      description: 'how long a connection to a member may take',
      examples: ['250ms'],
    }),
  request: time()
    .optional()
    .meta({
      description: 'how long a request may take with all its tries',
      otherwise: 'no limit',
      examples: ['5s'],
    }),
  per_try: time()
    .optional()
    .meta({
      description: 'how long one member may take to answer',
      examples: ['1s'],
    }),
  idle: time()
    .optional()
    .meta({
      description: 'how long a connection may carry nothing',
      examples: ['1m'],
    }),
  queue: time()
    .optional()
    .meta({
      description: 'how long a request may wait for a member that takes it',
      examples: ['500ms'],
    }),
});

/** What a failed try may have failed of. */
const codes = [401, 403, 404, 408, 425, 429, 500, 501, 502, 503, 504] as const;
export const retryCauses = ['connect_failure', 'reset', 'timeout', ...codes] as const;
export type RetryCause = (typeof retryCauses)[number];

/** Which requests are tried again, and how often. */
export const retries = z.strictObject({
  attempts: z
    .int()
    .min(0)
    .max(10)
    .optional()
    .meta({ description: 'how often a request is tried again; 0 for never', examples: [2] }),
  on: z
    .array(z.literal(retryCauses))
    .min(1)
    .optional()
    .meta({
      description:
        'what a try must have failed of: `connect_failure` (nothing was sent yet), `reset` (the connection ended without an answer), `timeout` (`per_try`), or a status',
      examples: [['connect_failure', 'reset', 503]],
    }),
  methods: z
    .array(method)
    .min(1)
    .max(32)
    .optional()
    .meta({
      description:
        'the methods whose requests may be sent a second time; one that was never sent is tried again whatever its method',
      examples: [['GET', 'HEAD', 'OPTIONS']],
    }),
  budget: share.optional().meta({
    description:
      'no more retries than this share of the service’s requests, or 3 per second where that is more, so that its callers do not overload a service that fails',
    examples: ['20%'],
  }),
  back_off: time()
    .optional()
    .meta({
      description: 'how long the first retry waits; each further one twice as long, at random',
      otherwise: 'at once, on another member',
      examples: ['25ms'],
    }),
});

/** A second try beside one that takes long. */
export const hedge = z.strictObject({
  after: time().meta({
    description: 'how long the first try may take before a second one begins beside it',
    examples: ['200ms'],
  }),
});

/** When a member that fails gets no requests for a while. */
export const outlierEjection = z
  .union([
    z.literal(false),
    z.strictObject({
      errors: count()
        .optional()
        .meta({
          description: 'after so many errors (5xx, resets, timeouts) one after the other',
          examples: [5],
        }),
      gateway_errors: count()
        .optional()
        .meta({
          description: 'after so many of 502, 503, 504, resets and timeouts one after the other',
          examples: [5],
        }),
      window: time()
        .optional()
        .meta({
          description: 'within this time',
          otherwise: 'however long it takes',
          examples: ['10s'],
        }),
      eject_for: time(100)
        .optional()
        .meta({
          description: 'how long it gets no requests',
          examples: ['30s'],
        }),
      max_share: share.optional().meta({
        description: 'no more members than this share are out at a time',
        examples: ['50%'],
      }),
    }),
  ])
  .meta({ leaf: false });

/** How much at a time; what is more is refused with 503. */
export const limits = z.strictObject({
  connections: count()
    .optional()
    .meta({
      description: 'connections of apps at a time',
      otherwise: 'no limit',
      examples: [1000],
    }),
  pending: count(0)
    .optional()
    .meta({
      description: 'requests that wait for a member',
      otherwise: 'no limit',
      examples: [100],
    }),
  requests: count()
    .optional()
    .meta({
      description: 'requests under way at a time',
      otherwise: 'no limit',
      examples: [1000],
    }),
  per_member: count()
    .optional()
    .meta({
      description: 'requests (tcp: connections) that one member has at a time; others wait',
      otherwise: 'no limit',
      examples: [50],
    }),
});
