import { z } from 'zod';

import { headerName, parameterName } from './units.ts';

/** What of a request tells one client from another. */
export const key = z
  .union(
    [
      z.strictObject({ header: headerName }),
      z.strictObject({ cookie: parameterName }),
      z.literal('source'),
    ],
    { error: 'expected {header: NAME}, {cookie: NAME} or source' },
  )
  .meta({ leaf: true });

export type Key = z.output<typeof key>;

/** How a member is chosen for a request. */
export const balance = z
  .union(
    [
      z.enum(['round_robin', 'least_request', 'random']),
      z.strictObject({ ring_hash: key }),
      z.strictObject({ maglev: key }),
    ],
    {
      error:
        'expected round_robin, least_request, random, {ring_hash: KEY} or {maglev: KEY}, where KEY is {header: NAME}, {cookie: NAME} or source',
    },
  )
  .meta({
    description:
      'how a member is chosen; `{ring_hash: {header: x-user}}` or `{maglev: …}` sends equal values (of a `header`, a `cookie` or the `source` address) to the same member',
    examples: ['least_request', { ring_hash: { header: 'x-user' } }],
    leaf: true,
  });

export type Balance = z.output<typeof balance>;
