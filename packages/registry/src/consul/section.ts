import { duration, filePath, wholeNumber } from '@smartstack/daemon';
import { z } from 'zod';

import { tlsSchema } from '../tls.ts';

/** Where Consul listens: `http://host:port`, `https://…`, or `unix:///path` of a socket. */
export const consulUrl = z.string().superRefine((text, context) => {
  const message = urlProblem(text);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

/** What a daemon and a single discovery may say of the Consul that they speak to. */
export const consulAccessKeys = {
  token: z
    .string()
    .regex(/^[\x21-\x7e]+$/, { error: 'expected a token without spaces' })
    .optional()
    .meta({
      description: 'the ACL token; or `token_file`',
      otherwise: 'none',
      examples: ['secret'],
    }),
  token_file: filePath.optional().meta({
    description: 'a file that holds the ACL token; read again when it changes',
    otherwise: 'none',
    examples: ['/etc/smartstack/consul.token'],
  }),
  tls: tlsSchema.optional().meta({
    description: 'TLS to Consul, with an `https` url',
    otherwise: "Node.js's own authorities, with an `https` url",
    examples: [{ ca: '/etc/smartstack/ca.pem' }],
  }),
  namespace: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'the namespace (Consul Enterprise)',
      otherwise: "Consul's default",
      examples: ['shop'],
    }),
  partition: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'the admin partition (Consul Enterprise)',
      otherwise: "the agent's",
      examples: ['blue'],
    }),
};

/** The top-level `consul` section of both daemons. */
export const consulSchema = z
  .strictObject({
    url: consulUrl.default('http://127.0.0.1:8500').meta({
      description:
        'the agent of this machine, or a server: `http://`, `https://`, or `unix:///path` of its socket',
      examples: ['https://127.0.0.1:8501'],
    }),
    ...consulAccessKeys,
    datacenter: z
      .string()
      .min(1)
      .optional()
      .meta({
        description: 'the datacenter whose services are followed',
        otherwise: "the agent's",
        examples: ['dc1'],
      }),
    wait: duration
      .refine((milliseconds) => milliseconds >= 1000 && milliseconds <= 600_000, {
        error: 'expected 1 to 600 seconds',
      })
      .prefault('5m')
      .meta({
        description: 'how long Consul may hold a blocking query in which nothing changes',
        minimum: 1,
        maximum: 600,
        examples: ['1m'],
      }),
    blocking_queries: wholeNumber(0, 10_000)
      .default(150)
      .meta({
        description:
          'services beyond this number have no blocking query of their own, and are asked for once something has changed. An agent takes 200 connections from one address (`http_max_conns_per_client`)',
        examples: [500],
      }),
  })
  .refine(({ token, token_file: file }) => token === undefined || file === undefined, {
    error: 'needs either token or token_file',
  })
  .refine(({ url, tls }) => tls === undefined || url.startsWith('https:'), {
    path: ['tls'],
    error: 'only with an https url',
  })
  .meta({
    description: 'the Consul of every service that names none of its own, and how to speak to it',
    examples: [{ url: 'http://127.0.0.1:8500', token_file: '/etc/smartstack/consul.token' }],
  });

export type ConsulSection = z.output<typeof consulSchema>;

/** Whom to ask: the URL that requests are written with, and the socket where it is one. */
export function addressOfConsul(url: string): {
  readonly url: URL;
  readonly socketPath?: string;
} {
  const parsed = new URL(url);
  if (parsed.protocol !== 'unix:') return { url: parsed };
  return { url: new URL('http://localhost'), socketPath: decodeURIComponent(parsed.pathname) };
}

function urlProblem(text: string): string | undefined {
  const expected = 'expected http://host:port, https://host:port or unix:///path';
  if (!URL.canParse(text)) return expected;
  const { protocol, hostname, pathname, username, search, hash } = new URL(text);
  if (username !== '' || search !== '' || hash !== '') return expected;
  if (protocol === 'unix:') return hostname === '' && pathname.length > 1 ? undefined : expected;
  return protocol === 'http:' || protocol === 'https:' ? undefined : expected;
}
