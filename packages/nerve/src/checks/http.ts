import { messageOf } from '@smartstack/daemon';
import { z } from 'zod';

import {
  addressOf,
  type Check,
  type CheckDeps,
  type CheckMechanism,
  nameOf,
  networkKeys,
  span,
  targetOf,
} from './check.ts';
import { type Answer, type Request, send } from './http-request.ts';
import { lookup } from './lookup.ts';
import { failure } from './reason.ts';
import { tlsKeys, tlsOptionsOf } from './tls.ts';

type Range = readonly [from: number, to: number];

const statuses = /^[1-5]\d\d(-[1-5]\d\d)?$/;
const statusRange = z
  .union([z.number(), z.string()])
  .transform((value, context): Range => {
    const text = String(value);
    if (statuses.test(text)) {
      const [from = 0, to = from] = text.split('-').map(Number);
      return [from, to];
    }
    const message = `expected a status such as 200 or 200-299, got ${JSON.stringify(value)}`;
    context.addIssue({ code: 'custom', message, input: undefined });
    return z.NEVER;
  })
  .meta({
    written: { type: ['integer', 'string'], minimum: 100, maximum: 599, pattern: statuses.source },
  });

const keys = {
  ...networkKeys(),
  ...tlsKeys,
  uri: z
    .string()
    .startsWith('/', { error: 'expected a path such as /health' })
    .regex(/^[\x21-\xff]*$/, { error: 'expected a path without spaces; write %20 for one' })
    .meta({ description: 'the path to ask for', examples: ['/health'] }),
  method: z
    .enum(['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS'])
    .default('GET')
    .meta({ description: 'how it is asked for' }),
  status: z
    .array(statusRange)
    .min(1)
    .prefault(['200-399'])
    .meta({
      description: 'the statuses that pass: numbers and ranges',
      examples: [[200, '204-299']],
    }),
  expect: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'text that the body must contain, within its first MiB',
      examples: ['OK'],
    }),
  expect_match: z
    .string()
    .min(1)
    .transform(toRegExp)
    .optional()
    .meta({
      description: 'a regular expression that the body must match, within its first MiB',
      examples: ['"status":\\s*"up"'],
    }),
  expect_headers: z
    .record(z.string().toLowerCase(), z.union([z.string(), z.number()]).transform(String))
    .default({})
    .meta({
      description:
        'headers that the answer must have, with their values: which service it is that answers',
      examples: [{ 'x-service': 'web' }],
    }),
  headers: z
    .record(z.string(), z.union([z.string(), z.number()]).transform(String))
    .default({})
    .meta({ description: 'what is asked with', examples: [{ Host: 'web.example.com' }] }),
  open_timeout: span.prefault(0.2).meta({
    description: 'how long connecting may take; never more than `timeout`',
    examples: [0.1],
  }),
  ssl_timeout: span.prefault(0.2).meta({
    description: 'how long the TLS handshake may take; never more than `timeout`',
    examples: [0.1],
  }),
  read_timeout: span.optional().meta({
    description: 'how long each wait for bytes may take; never more than `timeout`',
    otherwise: '`timeout`',
    examples: [0.1],
  }),
};

const httpSchema = z
  .strictObject({
    type: z.literal('http'),
    ...keys,
    ssl: z.boolean().default(false).meta({ description: 'speaks TLS' }),
    insecure: z.boolean().default(true).meta({
      description:
        'accepts any certificate. The originals never verified one, so `ssl: true` does not either unless told to',
    }),
  })
  .meta({
    description:
      'passes when a request is answered, whole, with a status from 200 to 399; redirects are not followed',
  });

const httpsSchema = z
  .strictObject({
    type: z.literal('https'),
    ...keys,
    insecure: z.boolean().default(false).meta({ description: 'accepts any certificate' }),
  })
  .meta({ description: 'the same over TLS, with the certificate verified' });

function toRegExp(text: string, context: z.RefinementCtx): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error), input: undefined });
    return z.NEVER;
  }
}

/** Passes when a GET is answered, whole, with a status of 200 to 399; redirects are not followed. */
export const http: CheckMechanism<typeof httpSchema> = {
  type: 'http',
  schema: httpSchema,
  create: (config, service) => createHttpCheck(config, service),
};

/** The same over TLS, with the certificate verified. */
export const https: CheckMechanism<typeof httpsSchema> = {
  type: 'https',
  schema: httpsSchema,
  create: (config, service) => createHttpCheck({ ...config, ssl: true }, service),
};

type HttpConfig = Omit<z.output<typeof httpSchema>, 'type'> & { readonly type: string };

function createHttpCheck(config: HttpConfig, service: CheckDeps): Check {
  const { uri, ssl, method } = config;
  const url = `http${ssl ? 's' : ''}://${addressOf(targetOf(config, service))}${uri}`;
  const request = requestOf(config, service);
  return {
    name: nameOf(config, service),
    run: async (signal) => {
      try {
        const fault = faultOf(await send(request, signal), config);
        if (fault !== undefined) throw new Error(fault);
      } catch (error) {
        throw failure(`${method} ${url}`, error);
      }
    },
  };
}

function requestOf(config: HttpConfig, service: CheckDeps): Request {
  const { ssl, uri: path, method, headers } = config;
  return {
    ssl,
    options: {
      ...targetOf(config, service),
      path,
      method,
      headers: { 'user-agent': 'nerve', ...headers },
      agent: false,
      lookup,
      ...(ssl && tlsOptionsOf(config, service.directory)),
    },
    timeout: config.timeout,
    openTimeout: config.open_timeout,
    sslTimeout: config.ssl_timeout,
    readTimeout: config.read_timeout,
    wanted: (status) => passes(status, config.status),
    keepBody: config.expect !== undefined || config.expect_match !== undefined,
  };
}

/** What is wrong with an answer, or undefined when it passes. */
function faultOf({ status, headers, body }: Answer, config: HttpConfig): string | undefined {
  const { expect, expect_match: pattern } = config;
  if (!passes(status, config.status)) return `status ${status}`;
  for (const [name, wanted] of Object.entries(config.expect_headers)) {
    const found = Object.hasOwn(headers, name) ? headers[name] : undefined;
    const shown = found === undefined ? 'none' : JSON.stringify(found);
    if (String(found) !== wanted)
      return `status ${status}, but the header ${name} is ${shown}, expected ${JSON.stringify(wanted)}`;
  }
  if (expect !== undefined && !body.includes(expect))
    return `status ${status}, but the body does not contain ${JSON.stringify(expect)}`;
  if (pattern !== undefined && !pattern.test(body))
    return `status ${status}, but the body does not match ${pattern}`;
  return undefined;
}

function passes(status: number, ranges: readonly Range[]): boolean {
  return ranges.some(([from, to]) => status >= from && status <= to);
}
