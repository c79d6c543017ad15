import { isIP } from 'node:net';

import { duration } from '@smartstack/daemon';
import { z } from 'zod';

/** The keys of every discovery that looks names up. */
export const dnsKeys = {
  /** Who is asked, `address` or `address:port`; the machine's own when absent. */
  nameserver: z
    .string()
    .refine((text) => isIP(text) !== 0 || /^(\d+(\.\d+){3}|\[[0-9a-f:]+\]):\d{1,5}$/i.test(text), {
      error: 'expected an address, or address:port',
    })
    .optional(),
  check_interval: duration.default(30_000),
};
