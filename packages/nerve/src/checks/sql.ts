import { z } from 'zod';

import { networkKeys } from './check.ts';
import { sslKeys, tlsKeys } from './tls.ts';

/** The keys of checks that query a database. */
export const sqlKeys = {
  ...networkKeys(0.5),
  username: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'the user', otherwise: '`postgres`, or `root`', examples: ['nerve'] }),
  password: z
    .string()
    .optional()
    .meta({ description: 'its password', examples: ['secret'] }),
  database: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'the database to use',
      otherwise: '`postgres`; of mysql none',
      examples: ['shop'],
    }),
  query: z
    .string()
    .min(1)
    .default('SELECT 1')
    .meta({
      description: 'what is asked; passes when it is answered, whatever the answer',
      examples: ['SELECT 1 FROM ready'],
    }),
  ...sslKeys,
  ...tlsKeys,
};
