import type { ConnectionOptions } from 'mysql2';
import { z } from 'zod';

import { addressOf, type CheckMechanism, nameOf, targetOf } from './check.ts';
import { loadClient, socketUntil } from './client.ts';
import { attempt } from './reason.ts';
import { sqlKeys } from './sql.ts';
import { tlsOptionsOf } from './tls.ts';

const schema = z.strictObject({ type: z.literal('mysql'), ...sqlKeys }).meta({
  description:
    'passes when a MySQL or MariaDB lets the user in and answers the query; needs `npm install mysql2`',
});

/** Passes when a MySQL or MariaDB accepts the login and answers the query. */
export const mysql: CheckMechanism<typeof schema> = {
  type: 'mysql',
  schema,
  create: async (config, deps) => {
    const { createConnection } = await loadClient('mysql2', () => import('mysql2/promise'));
    const target = targetOf(config, deps);
    const options: ConnectionOptions = {
      user: config.username ?? 'root',
      ...(config.password !== undefined && { password: config.password }),
      ...(config.database !== undefined && { database: config.database }),
      ...(config.ssl && { ssl: sslOf(tlsOptionsOf(config, deps.directory)) }),
    };
    const ask = async (signal: AbortSignal) => {
      const socket = socketUntil(signal).connect(target);
      try {
        const connection = await createConnection({ ...options, stream: socket });
        connection.on('error', () => {});
        await connection.query(config.query);
        await connection.end();
      } finally {
        socket.destroy();
      }
    };
    return {
      name: nameOf(config, deps),
      run: (signal) => attempt(`ask mysql ${addressOf(target)}`, () => ask(signal), signal),
    };
  },
};

/** The TLS options that mysql2 supports; it needs texts where Node.js accepts buffers too. */
function sslOf(options: ReturnType<typeof tlsOptionsOf>): NonNullable<ConnectionOptions['ssl']> {
  const text = (value: unknown) => (value === undefined ? {} : String(value));
  const { rejectUnauthorized = true, ca, cert, key } = options;
  return {
    rejectUnauthorized,
    verifyIdentity: rejectUnauthorized,
    ...(ca !== undefined && { ca: text(ca) }),
    ...(cert !== undefined && { cert: text(cert) }),
    ...(key !== undefined && { key: text(key) }),
  } as NonNullable<ConnectionOptions['ssl']>;
}
