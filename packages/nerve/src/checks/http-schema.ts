import { z } from 'zod';

import { networkKeys, span } from './check.ts';
import { tlsKeys } from './tls.ts';

/** Statuses, both ends included. */
export type Range = readonly [from: number, to: number];

const statuses = /^[1-5]\d\d(-[1-5]\d\d)?$/;
const statusRange = z
  .union([z.number(), z.string()])
  .transform((value, context): Range => {
    const text = String(value);
    if (statuses.test(text)) {
      const [from = 0, to = from] = text.split('-').map(Number);
      return [from, to];
    }
    const message = `expected a status such as 200 or 200-299, got ${JSON.stringify(value)}`;
    context.addIssue({ code: 'custom', message, input: undefined });
    return z.NEVER;
  })
  .meta({
    written: { type: ['integer', 'string'], minimum: 100, maximum: 599, pattern: statuses.source },
  });

/** The keys that both types have. */
const keys = {
  ...networkKeys(),
  ...tlsKeys,
  uri: z
    .string()
    .startsWith('/', { error: 'expected a path such as /health' })
    .regex(/^[\x21-\xff]*$/, { error: 'expected a path without spaces; write %20 for one' })
    .meta({ description: 'the path to ask for', examples: ['/health'] }),
  method: z
    .enum(['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS'])
    .default('GET')
    .meta({ description: 'how it is asked for' }),
  status: z
    .array(statusRange)
    .min(1)
    .prefault(['200-399'])
    .meta({
      description: 'the statuses that pass: numbers and ranges',
      examples: [[200, '204-299']],
    }),
  expect: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'text that the body must contain, within its first MiB',
      examples: ['OK'],
    }),
  expect_match: z
    .string()
    .min(1)
    .optional()
    .meta({
      description:
        'a regular expression that the body must match, within its first MiB; less for a large expression: 10 million characters by its size. In RE2’s syntax, which has no looking ahead or behind and no references back, so that no body can hold nerve up',
      examples: ['"status":\\s*"up"'],
    }),
  expect_headers: z
    .record(z.string().toLowerCase(), z.union([z.string(), z.number()]).transform(String))
    .default({})
    .meta({
      description:
        'headers that the answer must have, with their values: which service it is that answers',
      examples: [{ 'x-service': 'web' }],
    }),
  headers: z
    .record(z.string(), z.union([z.string(), z.number()]).transform(String))
    .default({})
    .meta({ description: 'what is asked with', examples: [{ Host: 'web.example.com' }] }),
  open_timeout: span.prefault(0.2).meta({
    description: 'how long connecting may take; never more than `timeout`',
    examples: [0.1],
  }),
  ssl_timeout: span.prefault(0.2).meta({
    description: 'how long the TLS handshake may take; never more than `timeout`',
    examples: [0.1],
  }),
  read_timeout: span.optional().meta({
    description: 'how long each wait for bytes may take; never more than `timeout`',
    otherwise: '`timeout`',
    examples: [0.1],
  }),
};

/** A check of `type: http`. */
export const httpSchema = z
  .strictObject({
    type: z.literal('http'),
    ...keys,
    ssl: z.boolean().default(false).meta({ description: 'speaks TLS' }),
    insecure: z.boolean().default(true).meta({
      description:
        'accepts any certificate. The originals never verified one, so `ssl: true` does not either unless told to',
    }),
  })
  .meta({
    description:
      'passes when a request is answered, whole, with a status from 200 to 399; redirects are not followed',
  });

/** A check of `type: https`. */
export const httpsSchema = z
  .strictObject({
    type: z.literal('https'),
    ...keys,
    insecure: z.boolean().default(false).meta({ description: 'accepts any certificate' }),
  })
  .meta({ description: 'the same over TLS, with the certificate verified' });

/** A check of either type; `ssl` says whether it uses TLS. */
export type HttpConfig = Omit<z.output<typeof httpSchema>, 'type'> & { readonly type: string };
