import { readFile } from 'node:fs/promises';

import { duration, messageOf, UserError } from '@smartstack/daemon';
import type { SessionOptions } from '@smartstack/zookeeper';
import { z } from 'zod';

import { splitChroot } from './zookeeper.ts';

/** ZooKeeper servers as configurations list them: `host:port` each, or all in one text with commas. */
export const zooKeeperHosts = z
  .union([z.string().transform((text) => [text]), z.array(z.string())])
  .refine((hosts) => splitChroot(hosts).hosts.length > 0, {
    error: 'expected at least one host:port',
  });

const path = z.string().min(1);

const auth = z
  .strictObject({
    user: z.string().regex(/^[^:]+$/, { error: 'expected a name without a colon' }),
    password: z.string().optional(),
    /** A file that holds the password, and nothing else but a line's end. */
    password_file: path.optional(),
  })
  .refine((value) => (value.password === undefined) !== (value.password_file === undefined), {
    error: 'needs either password or password_file',
  });

const acl = z.strictObject({
  scheme: z.enum(['world', 'auth', 'digest', 'ip', 'x509']),
  id: z.string().default(''),
  permissions: z.array(z.enum(['read', 'write', 'create', 'delete', 'admin'])).min(1),
});

/** The top-level `zookeeper` section of both daemons. */
export const zooKeeperSchema = z.strictObject({
  hosts: zooKeeperHosts,
  /** The session timeout to ask for: how long a dead machine's announcements stand. */
  session_timeout: duration.optional(),
  /** Digest credentials. */
  auth: auth.optional(),
  /** Who may do what with the nodes that this daemon creates; everybody everything when absent. */
  acl: z.array(acl).min(1).optional(),
  /** TLS to the ensemble: files in PEM; `cert` and `key` where it asks for a client certificate. */
  tls: z
    .strictObject({
      ca: path.optional(),
      cert: path.optional(),
      key: path.optional(),
      server_name: z.string().optional(),
      insecure: z.boolean().default(false),
    })
    .optional(),
  /** Reads a second, and at once: what keeps a leader election from becoming a storm of reads. */
  read_rate: z.number().positive().default(5000),
  read_burst: z.int().min(1).default(20_000),
});

export type ZooKeeperSection = z.output<typeof zooKeeperSchema>;

/** The options of every session that a daemon opens, with its files read; rejects with a `UserError` that names one which cannot be. */
export async function sessionOptionsOf(
  section: ZooKeeperSection | undefined,
): Promise<Partial<SessionOptions>> {
  if (!section) return {};
  const { session_timeout: timeout, auth: digest, tls, read_rate, read_burst } = section;
  return {
    ...(timeout !== undefined && { timeout }),
    ...(section.acl && { acl: section.acl }),
    ...(digest && {
      auth: {
        scheme: 'digest',
        user: digest.user,
        password: digest.password ?? (await secretIn(digest.password_file ?? '')),
      },
    }),
    ...(tls && { tls: await tlsOf(tls) }),
    readBudget: { perSecond: read_rate, burst: read_burst },
  };
}

async function tlsOf({
  server_name: serverName,
  insecure,
  ...files
}: NonNullable<ZooKeeperSection['tls']>): Promise<NonNullable<SessionOptions['tls']>> {
  const read = await Promise.all(
    Object.entries(files).map(async ([key, file]) => [key, file && (await contentOf(file))]),
  );
  return {
    insecure,
    ...(serverName !== undefined && { serverName }),
    ...(Object.fromEntries(read) as { ca?: Buffer; cert?: Buffer; key?: Buffer }),
  };
}

async function secretIn(file: string): Promise<string> {
  return (await contentOf(file)).toString().replace(/\r?\n$/, '');
}

async function contentOf(file: string): Promise<Buffer> {
  return readFile(file).catch((error: unknown) => {
    throw new UserError(`cannot read ${file} for ZooKeeper: ${messageOf(error)}`, { cause: error });
  });
}
