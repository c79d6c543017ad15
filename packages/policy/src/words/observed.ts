import { z } from 'zod';

import { printable, share, time } from './units.ts';

/** What is written of each request. */
export const accessLog = z
  .union([z.enum(['json', 'text', 'off']), z.strictObject({ format: printable(2048).min(1) })], {
    error: 'expected json, text, off or {format: …} in the proxy’s own language',
  })
  .meta({
    description:
      'what is written of each request (tcp: connection): a line of JSON, the proxy’s own text, or `{format: …}` in the proxy’s own language',
    examples: ['json'],
    leaf: true,
  });

/** What the service’s callers may expect: its alerts follow from it. */
export const slo = z.strictObject({
  availability: share
    .refine((part) => part >= 0.5 && part < 1, { error: 'expected a share from 50% to 99.9999%' })
    .optional()
    .meta({
      description: 'the share of requests that do not end in an error',
      examples: ['99.9%'],
    }),
  latency: z
    .strictObject({ p50: time().optional(), p95: time().optional(), p99: time().optional() })
    .optional()
    .meta({
      description: 'how long half (`p50`), 95 of 100 or 99 of 100 requests may take at most',
      examples: [{ p99: '300ms' }],
      leaf: true,
    }),
});
