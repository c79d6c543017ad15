import type { ClientConfig } from 'pg';
import { z } from 'zod';

import { addressOf, type CheckMechanism, nameOf, targetOf } from './check.ts';
import { loadClient, socketUntil } from './client.ts';
import { attempt } from './reason.ts';
import { sqlKeys } from './sql.ts';
import { tlsOptionsOf } from './tls.ts';

const schema = z.strictObject({ type: z.literal('postgres'), ...sqlKeys }).meta({
  description:
    'passes when a PostgreSQL lets the user in and answers the query; needs `npm install pg`',
});

/** Passes when a PostgreSQL accepts the login and answers the query. */
export const postgres: CheckMechanism<typeof schema> = {
  type: 'postgres',
  schema,
  create: async (config, deps) => {
    const { default: pg } = await loadClient('pg', () => import('pg'));
    const target = targetOf(config, deps);
    const options: ClientConfig = {
      ...target,
      user: config.username ?? 'postgres',
      database: config.database ?? 'postgres',
      ...(config.password !== undefined && { password: config.password }),
      ...(config.ssl && { ssl: tlsOptionsOf(config, deps.directory) }),
      application_name: 'nerve',
    };
    const ask = async (signal: AbortSignal) => {
      const socket = socketUntil(signal);
      const client = new pg.Client({ ...options, stream: () => socket });
      client.on('error', () => {});
      try {
        await client.connect();
        await client.query(config.query);
        await client.end();
      } finally {
        socket.destroy();
      }
    };
    return {
      name: nameOf(config, deps),
      run: (signal) => attempt(`ask postgres ${addressOf(target)}`, () => ask(signal), signal),
    };
  },
};
