import { z } from 'zod';

import { key } from './balance.ts';
import { match } from './match.ts';
import { hedge, retries, timeouts } from './recovery.ts';
import {
  count,
  headerName,
  headerValue,
  printable,
  serviceName,
  share,
  time,
  urlPath,
} from './units.ts';

const values = z.record(headerName, headerValue);

const subset = z
  .record(printable(128).min(1), z.union([z.string(), z.number(), z.boolean()]).transform(String))
  .meta({ leaf: true });

/** Where a route's requests go: members with these labels, those of another service, or both. */
export const target = z.strictObject({
  service: serviceName.optional().meta({
    description: 'members of another service',
    otherwise: 'this service',
    examples: ['web-v2'],
  }),
  subset: subset.optional().meta({
    description: 'only members whose labels are these',
    otherwise: 'all',
    examples: [{ version: 'v2' }],
  }),
  weight: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(1)
    .meta({
      description: 'its part of the sum of all weights of the list',
      examples: [10],
    }),
});

export type Target = z.output<typeof target>;

const changes = z.strictObject({
  set: values.optional().meta({ description: 'in place of what was there', leaf: true }),
  add: values.optional().meta({ description: 'beside what was there', leaf: true }),
  remove: z.array(headerName).optional().meta({ description: 'taken away' }),
});

const status = (from: number, to: number) => z.int().min(from).max(to);

const rewrite = z.strictObject({
  path_prefix: urlPath.optional().meta({
    description: 'in place of the `path_prefix` that matched (the whole path where `path` did)',
    examples: ['/'],
  }),
  host: printable(255)
    .regex(/^[A-Za-z0-9.:[\]_-]+$/, { error: 'expected a host name' })
    .optional()
    .meta({
      description: 'the `Host` that members see',
      examples: ['web.internal'],
    }),
});

const mirror = z.strictObject({
  to: z.strictObject({ service: serviceName, subset: subset.optional() }).meta({ leaf: true }),
  share: share.prefault('100%'),
});

const fault = z.strictObject({
  delay: z
    .strictObject({ time: time(), share: share.prefault('100%') })
    .optional()
    .meta({
      description: 'requests that wait before they are sent on, and which share of them',
      examples: [{ time: '200ms', share: '1%' }],
      leaf: true,
    }),
  abort: z
    .strictObject({ status: status(400, 599), share: share.prefault('100%') })
    .optional()
    .meta({
      description: 'requests that are answered with an error here, and which share of them',
      examples: [{ status: 503, share: '0.1%' }],
      leaf: true,
    }),
});

const rateLimit = z.strictObject({
  requests: count().meta({ description: 'how many requests', examples: [100] }),
  per: time(100)
    .refine((per) => per <= 3_600_000, { error: 'expected a time of at most 1h' })
    .prefault('1s')
    .meta({ description: 'in which time', examples: ['1s'] }),
  burst: count(0)
    .default(0)
    .meta({ description: 'how many more at once after a quiet time', examples: [20] }),
  by: key.optional().meta({
    description: 'for each value of this: a `header`, a `cookie` or the `source` address',
    otherwise: 'all clients of this machine together',
    examples: [{ header: 'x-client' }],
  }),
});

const respond = z.strictObject({
  status: status(200, 599),
  body: z
    .string()
    .max(1024)
    .refine((text) => !text.includes('\0'), { error: 'expected text without NUL characters' })
    .default(''),
  type: printable(128).min(1).default('text/plain'),
});

const redirect = z.strictObject({
  status: z.literal([301, 302, 303, 307, 308]).default(302),
  scheme: z.enum(['http', 'https']).default('http'),
  host: printable(255)
    .regex(/^[A-Za-z0-9.:[\]_-]+$/, { error: 'expected a host name' })
    .optional(),
  path: urlPath.optional(),
});

/** What happens to the requests that match. */
export const route = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,32}$/, { error: 'expected up to 32 letters, digits, - and _' })
    .optional()
    .meta({
      description: 'what metrics, logs and `policy show` call it',
      otherwise: 'its place in the list, from 0',
      examples: ['canary'],
    }),
  match: match.optional().meta({
    description: 'which requests: all that is given must be so',
    otherwise: 'all',
    examples: [{ path_prefix: '/v2', methods: ['GET'] }],
  }),
  to: z
    .union([target.transform((one) => [one]), z.array(target).min(1).max(32)])
    .optional()
    .meta({
      description: 'where they go: a target or a list of them',
      otherwise: 'all members of this service',
      examples: [
        [
          { subset: { version: 'v2' }, weight: 10 },
          { subset: { version: 'v1' }, weight: 90 },
        ],
      ],
      leaf: true,
    }),
  timeouts: timeouts
    .omit({ idle: true, queue: true, connect: true })
    .optional()
    .meta({
      description: 'as the service’s, for these requests',
      leaf: true,
      examples: [{ request: '30s' }],
    }),
  retries: retries
    .omit({ budget: true })
    .optional()
    .meta({
      description: 'as the service’s, for these requests',
      leaf: true,
      examples: [{ attempts: 0 }],
    }),
  hedge: hedge.optional().meta({
    description: 'as the service’s, for these requests',
    leaf: true,
    examples: [{ after: '200ms' }],
  }),
  rewrite: rewrite.optional().meta({
    description: 'what members see of the path and the host',
    leaf: true,
    examples: [{ path_prefix: '/', host: 'web.internal' }],
  }),
  headers: z
    .strictObject({ request: changes.optional(), response: changes.optional() })
    .optional()
    .meta({
      description: 'headers that are set, added or removed',
      leaf: true,
      examples: [{ request: { set: { 'x-from': 'mesh' } } }],
    }),
  mirror: mirror.optional().meta({
    description:
      'a share of the requests that is sent to other members too, whose answers are ignored',
    leaf: true,
    examples: [{ to: { service: 'web-shadow' }, share: '1%' }],
  }),
  fault: fault.optional().meta({
    description:
      'faults made on purpose: `delay` makes a share of the requests wait, `abort` answers a share with an error',
    leaf: true,
    examples: [{ delay: { time: '200ms', share: '1%' }, abort: { status: 503, share: '0.1%' } }],
  }),
  rate_limit: rateLimit.optional().meta({
    description: 'more than this is answered with 429',
    leaf: true,
    examples: [{ requests: 100, per: '1s', burst: 20, by: { header: 'x-client' } }],
  }),
  respond: respond.optional().meta({
    description: 'an answer from here, without any member',
    leaf: true,
    examples: [{ status: 404, body: 'not here' }],
  }),
  redirect: redirect.optional().meta({
    description: 'a redirect from here',
    leaf: true,
    examples: [{ status: 308, host: 'www.example.com' }],
  }),
});

export type Route = z.output<typeof route>;
