import type { IncomingMessage } from 'node:http';
import * as plain from 'node:http';
import * as secure from 'node:https';

import { z } from 'zod';

import { startDeadline } from '../deadline.ts';
import {
  addressOf,
  type Check,
  type CheckDeps,
  type CheckMechanism,
  commonKeys,
  nameOf,
  span,
  targetOf,
} from './check.ts';
import { failure } from './reason.ts';

const keys = {
  ...commonKeys,
  uri: z.string().startsWith('/', { error: 'expected a path such as /health' }),
  /** How long connecting, the TLS handshake and each wait for bytes may take; never more than `timeout`. */
  open_timeout: span.prefault(0.2),
  ssl_timeout: span.prefault(0.2),
  read_timeout: span.optional(),
  headers: z.record(z.string(), z.union([z.string(), z.number()]).transform(String)).default({}),
  /** Text that the body must contain. */
  expect: z.string().min(1).optional(),
};

const httpSchema = z.strictObject({
  type: z.literal('http'),
  ssl: z.boolean().default(false),
  /** The originals never verified a certificate, so `ssl: true` does not either unless told to. */
  insecure: z.boolean().default(true),
  ...keys,
});

const httpsSchema = z.strictObject({
  type: z.literal('https'),
  /** Accepts any certificate. */
  insecure: z.boolean().default(false),
  ...keys,
});

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

/** More of a body than this is not read; `expect` must be found before. */
const bodyLimit = 1_048_576;

function createHttpCheck(config: HttpConfig, service: CheckDeps): Check {
  const { uri, ssl, expect } = config;
  const target = targetOf(config, service);
  const url = `http${ssl ? 's' : ''}://${addressOf(target)}${uri}`;
  const options: secure.RequestOptions = {
    ...target,
    path: uri,
    headers: { 'user-agent': 'nerve', ...config.headers },
    agent: false,
    rejectUnauthorized: !config.insecure,
  };
  return {
    name: nameOf(config, service),
    run: async (signal) => {
      try {
        const { status, body } = await get(options, config, signal);
        const fault = faultOf(status, body, expect);
        if (fault !== undefined) throw new Error(fault);
      } catch (error) {
        throw failure(`GET ${url}`, error);
      }
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** What is wrong with an answer, or undefined when it passes. */
function faultOf(status: number, body: string, expect: string | undefined): string | undefined {
  if (status < 200 || status > 399) return `status ${status}`;
  if (expect !== undefined && !body.includes(expect))
    return `status ${status}, but the body does not contain ${JSON.stringify(expect)}`;
  return undefined;
}

function get(
  options: secure.RequestOptions,
  config: HttpConfig,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = (config.ssl ? secure : plain).request(options);
    const phase = createPhase(config.timeout, (error) => request.destroy(error));
    const onAbort = () => request.destroy(signal.reason as Error);
    const settle = (settled: () => void) => {
      phase.end();
      signal.removeEventListener('abort', onAbort);
      settled();
      request.destroy();
    };
    const fail = (error: Error) => settle(() => reject(error));
    const read = () => phase.begin('no answer', config.read_timeout);

    signal.addEventListener('abort', onAbort);
    phase.begin('not connected', config.open_timeout);
    request.on('socket', (socket) => {
      socket.once('connect', () =>
        config.ssl ? phase.begin('no TLS handshake', config.ssl_timeout) : read(),
      );
      socket.once('secureConnect', read);
    });
    request.on('error', fail);
    request.on('close', () => fail(new Error('connection closed before the answer was whole')));
    request.on('response', (response) => {
      response.on('data', read);
      readBody(response, config.expect !== undefined, (body) =>
        settle(() => resolve({ status: response.statusCode ?? 0, body })),
      );
      response.on('error', fail);
    });
    request.end();
  });
}

/** Calls back with the body once it is whole or too long, or at once when its status alone decides. */
function readBody(response: IncomingMessage, keep: boolean, done: (body: string) => void): void {
  const status = response.statusCode ?? 0;
  if (status < 200 || status > 399) {
    done('');
    return;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  response.on('data', (chunk: Buffer) => {
    if (keep) chunks.push(chunk);
    length += chunk.length;
    if (length > bodyLimit) done(Buffer.concat(chunks).toString());
  });
  response.on('end', () => done(Buffer.concat(chunks).toString()));
}

/** A deadline for the phase that a request is in; phases that the whole check's covers need none. */
function createPhase(deadline: number, expire: (error: Error) => void) {
  let end = () => {};
  return {
    begin: (what: string, limit: number | undefined) => {
      end();
      if (limit === undefined || limit >= deadline) return;
      end = startDeadline(limit, () => expire(new Error(`${what} within ${limit} ms`)));
    },
    end: () => end(),
  };
}
