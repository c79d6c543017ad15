import { z } from 'zod';

import { networkKeys } from './check.ts';
import { tlsKeys } from './tls.ts';

/** The keys of checks that ask a database a question. */
export const sqlKeys = {
  ...networkKeys(0.5),
  username: z.string().min(1).optional(),
  password: z.string().optional(),
  database: z.string().min(1).optional(),
  /** Passes when the server answers it, whatever the answer. */
  query: z.string().min(1).default('SELECT 1'),
  ssl: z.boolean().default(false),
  insecure: z.boolean().default(false),
  ...tlsKeys,
};
