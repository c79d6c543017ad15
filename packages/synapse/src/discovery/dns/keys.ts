import { isIP } from 'node:net';

import { duration } from '@smartstack/daemon';
import { z } from 'zod';

/** The keys of every discovery that looks names up. */
export const dnsKeys = {
  nameserver: z
    .string()
    .refine((text) => isIP(text) !== 0 || /^(\d+(\.\d+){3}|\[[0-9a-f:]+\]):\d{1,5}$/i.test(text), {
      error: 'expected an address, or address:port',
    })
    .optional()
    .meta({
      description: 'who is asked: `address` or `address:port`',
      otherwise: 'the machine’s own',
      examples: ['10.0.0.2:8600'],
    }),
  check_interval: duration.prefault(30).meta({
    description: 'how often names are looked up at least; more often where a TTL is shorter',
    examples: ['10s'],
  }),
};
