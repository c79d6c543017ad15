import { messageOf } from '@smartstack/daemon';
import { z } from 'zod';

import {
  addressOf,
  type Check,
  type CheckDeps,
  CheckKeyError,
  type CheckMechanism,
  nameOf,
  networkKeys,
  span,
  targetOf,
} from './check.ts';
import { compileExpression, type Expression } from './expression.ts';
import { type Answer, type Request, send } from './http-request.ts';
import { lookup } from './lookup.ts';
import { failure } from './reason.ts';
import { mayBeTidied } from './tidy-head.ts';
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
    .optional()
    .meta({
      description:
        'a regular expression that the body must match, within its first MiB; less for a large expression: 10 million characters by its size. In RE2’s syntax, which has no looking ahead or behind and no references back, so that no body can hold nerve up',
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

async function createHttpCheck(config: HttpConfig, service: CheckDeps): Promise<Check> {
  const { uri, ssl, method, expect_match: text } = config;
  const pattern = text === undefined ? undefined : await keyed('expect_match', text);
  const url = `http${ssl ? 's' : ''}://${addressOf(targetOf(config, service))}${uri}`;
  const request = requestOf(config, service);
  let isTidied = false;

  /** Asked once more, and tidied from then on, where the head of the answer is what strict parsers refuse. */
  async function ask(signal: AbortSignal): Promise<Answer> {
    try {
      return await send({ ...request, tidied: isTidied }, signal);
    } catch (error) {
      if (isTidied || signal.aborted || !mayBeTidied(error)) throw error;
      isTidied = true;
      return await send({ ...request, tidied: true }, signal);
    }
  }

  return {
    name: nameOf(config, service),
    run: async (signal) => {
      try {
        const fault = faultOf(await ask(signal), config, pattern);
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
function faultOf(
  { status, headers, body }: Answer,
  config: HttpConfig,
  pattern: Expression | undefined,
): string | undefined {
  const { expect } = config;
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
    return `status ${status}, but the body does not match /${pattern.source}/`;
  return undefined;
}

async function keyed(key: string, text: string): Promise<Expression> {
  try {
    return await compileExpression(text);
  } catch (error) {
    throw new CheckKeyError(key, messageOf(error));
  }
}

function passes(status: number, ranges: readonly Range[]): boolean {
  return ranges.some(([from, to]) => status >= from && status <= to);
}
