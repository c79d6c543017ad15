import { z } from 'zod';

import { headerName, headerValue, method, parameterName, printable, urlPath } from './units.ts';

/** What a request must have; all that is given must be so. */
export const match = z.strictObject({
  path: urlPath.optional().meta({ description: 'exactly this path', examples: ['/health'] }),
  path_prefix: urlPath.optional().meta({
    description: 'this path, or one below it',
    examples: ['/v2'],
  }),
  headers: z
    .record(headerName, headerValue.min(1))
    .optional()
    .meta({
      description: 'each of these headers with exactly this value',
      examples: [{ 'x-canary': 'true' }],
      leaf: true,
    }),
  methods: z
    .array(method)
    .min(1)
    .max(32)
    .optional()
    .meta({
      description: 'one of these methods',
      examples: [['GET']],
    }),
  query: z
    .record(parameterName, printable(1024).min(1))
    .optional()
    .meta({
      description: 'each of these query parameters with exactly this value',
      examples: [{ v: '2' }],
      leaf: true,
    }),
});

export type Match = z.output<typeof match>;
