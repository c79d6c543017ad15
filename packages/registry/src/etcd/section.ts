import { duration, filePath } from '@smartstack/daemon';
import { z } from 'zod';

import { tlsSchema } from '../tls.ts';

/** etcd's servers as configurations list them: a URL each, or `host:port`, or all in one text with commas. */
export const etcdEndpoints = z
  .union([
    z.string().transform((text) => text.split(',').map((each) => each.trim())),
    z.array(z.string()),
  ])
  .superRefine((endpoints, context) => {
    const bad = endpoints.find((endpoint) => !isEndpoint(endpoint));
    if (bad !== undefined || endpoints.length === 0)
      context.addIssue({
        code: 'custom',
        message: 'expected servers such as https://etcd1:2379, without a path',
      });
  });

/** The path below which a service's records are. */
export const etcdPath = z
  .string()
  .regex(/^(\/[^/\0]+)+$/, { error: 'expected an absolute path such as /services/web' });

const keys = z.strictObject({
  endpoints: etcdEndpoints.meta({
    description:
      'its servers, a URL each (`host:port` is https where there is a `tls`, else http). One is used at a time, the next when it fails. Used by every service that names none of its own',
    examples: [['https://etcd1:2379', 'https://etcd2:2379', 'https://etcd3:2379']],
  }),
  prefix: z
    .string()
    .regex(/^(\/[^/\0]+)+$/, { error: 'expected an absolute path such as /smartstack' })
    .optional()
    .meta({
      description: 'before the path of every service',
      otherwise: 'none',
      examples: ['/smartstack'],
    }),
  lease_ttl: duration
    .refine((milliseconds) => milliseconds >= 1_000 && milliseconds <= 86_400_000, {
      error: 'expected 1 to 86400 seconds',
    })
    .optional()
    .meta({
      description:
        'how long the announcements of a dead machine stay: the time to live of its lease, in whole seconds; etcd may grant more',
      default: 10,
      minimum: 1,
      maximum: 86_400,
      examples: ['20s'],
    }),
  user: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'who this is, where etcd’s authentication is on',
      otherwise: 'nobody, or whom the certificate names',
      examples: ['smartstack'],
    }),
  password: z
    .string()
    .optional()
    .meta({ description: 'its password; or `password_file`', examples: ['secret'] }),
  password_file: filePath.optional().meta({
    description: 'a file that holds the password; read again when it changes',
    examples: ['/etc/smartstack/etcd.password'],
  }),
  tls: tlsSchema.optional().meta({
    description: 'TLS to the servers; the files are read again when they change',
    otherwise: 'for https the authorities that Node.js knows, and no certificate of our own',
    examples: [{ ca: '/etc/smartstack/ca.pem' }],
  }),
});

/** The top-level `etcd` section of both daemons. */
export const etcdSchema = keys
  .superRefine(({ user, password, password_file: file }, context) => {
    const given = [password, file].filter((each) => each !== undefined).length;
    const problem = (key: string, message: string) =>
      context.addIssue({ code: 'custom', path: [key], message });
    if (user !== undefined && given !== 1)
      problem('user', 'needs either password or password_file');
    if (user === undefined && given > 0) problem('user', 'missing; there is a password');
  })
  .meta({
    description:
      'the etcd (v3) of every service that names none of its own, and how to speak to it',
    examples: [{ endpoints: ['http://etcd1:2379', 'http://etcd2:2379', 'http://etcd3:2379'] }],
  });

export type EtcdSection = z.output<typeof etcdSchema>;

/** An endpoint as a URL without a path. */
export function urlOf(endpoint: string, isSecure: boolean): string {
  const url = endpoint.includes('://') ? endpoint : `${isSecure ? 'https' : 'http'}://${endpoint}`;
  return new URL(url).origin;
}

function isEndpoint(endpoint: string): boolean {
  try {
    // Without a port it would be 80, where no etcd is.
    if (!endpoint.includes('://') && !/:\d+$/.test(endpoint)) return false;
    const url = new URL(endpoint.includes('://') ? endpoint : `http://${endpoint}`);
    const isBare = url.pathname === '/' && url.search === '' && url.username === '';
    return ['http:', 'https:'].includes(url.protocol) && url.hostname !== '' && isBare;
  } catch {
    return false;
  }
}
