import { duration, filePath } from '@smartstack/daemon';
import { z } from 'zod';

import { tlsSchema } from '../tls.ts';
import { hostsProblem, nodePathProblem } from './problems.ts';

/** ZooKeeper servers as configurations list them: `host:port` each, or all in one text with commas. */
export const zooKeeperHosts = z
  .union([z.string().transform((text) => [text]), z.array(z.string())])
  .superRefine((hosts, context) => {
    const message = hostsProblem(hosts);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });

/** The path of a node that a service has. */
export const nodePath = z.string().superRefine((path, context) => {
  const message = nodePathProblem(path);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

const path = filePath;

const auth = z
  .strictObject({
    user: z
      .string()
      .regex(/^[^:]+$/, { error: 'expected a name without a colon' })
      .meta({ description: 'the name', examples: ['smartstack'] }),
    password: z
      .string()
      .optional()
      .meta({ description: 'its password; or `password_file`', examples: ['secret'] }),
    password_file: path.optional().meta({
      description: "a file that holds the password, and nothing else but a line's end",
      examples: ['/etc/smartstack/zookeeper.password'],
    }),
  })
  .refine((value) => (value.password === undefined) !== (value.password_file === undefined), {
    error: 'needs either password or password_file',
  });

const acl = z.strictObject({
  scheme: z
    .enum(['world', 'auth', 'digest', 'ip', 'x509'])
    .meta({ description: 'how ZooKeeper knows who it is', examples: ['auth'] }),
  id: z
    .string()
    .default('')
    .meta({ description: 'who it is, as the scheme writes it', examples: ['10.0.0.0/8'] }),
  permissions: z
    .array(z.enum(['read', 'write', 'create', 'delete', 'admin']))
    .min(1)
    .meta({ description: 'what they may do', examples: [['read']] }),
});

/** The top-level `zookeeper` section of both daemons. */
export const zooKeeperSchema = z
  .strictObject({
    hosts: zooKeeperHosts.meta({
      description:
        '`host:port` each, or one text with commas; a chroot may follow the last (`zk2:2181/stack`). Used by every service that names no ensemble of its own',
      examples: [['zk1:2181', 'zk2:2181', 'zk3:2181']],
    }),
    session_timeout: duration
      .refine((milliseconds) => milliseconds >= 100 && milliseconds <= 86_400_000, {
        error: 'expected 0.1 to 86400 seconds',
      })
      .optional()
      .meta({
        description: 'how long the announcements of a dead machine stay',
        default: 10,
        minimum: 0.1,
        maximum: 86_400,
        examples: ['20s'],
      }),
    auth: auth.optional().meta({
      description: 'digest credentials',
      otherwise: 'none',
      examples: [{ user: 'smartstack', password_file: '/etc/smartstack/zookeeper.password' }],
    }),
    acl: z
      .array(acl)
      .min(1)
      .optional()
      .meta({
        description: 'who may do what with the nodes that this daemon creates',
        otherwise: 'everybody everything',
        examples: [[{ scheme: 'world', id: 'anyone', permissions: ['read'] }]],
      }),
    tls: tlsSchema.optional().meta({
      description: 'TLS to the ensemble',
      otherwise: 'none',
      examples: [{ ca: '/etc/smartstack/ca.pem' }],
    }),
    read_rate: z
      .number()
      .positive()
      .default(5000)
      .meta({
        description: 'reads a second: what keeps a leader election from becoming a storm of reads',
        examples: [1000],
      }),
    read_burst: z
      .int()
      .min(1)
      .default(20_000)
      .meta({ description: 'reads at once', examples: [5000] }),
  })
  .meta({
    description: 'the ensemble of every service that names none of its own, and how to speak to it',
    examples: [{ hosts: ['zk1:2181', 'zk2:2181', 'zk3:2181'] }],
  });

export type ZooKeeperSection = z.output<typeof zooKeeperSchema>;
