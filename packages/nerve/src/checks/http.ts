import { messageOf } from '@smartstack/daemon';

import {
  addressOf,
  type Check,
  type CheckDeps,
  CheckKeyError,
  type CheckMechanism,
  nameOf,
  targetOf,
} from './check.ts';
import { compileExpression, type Expression } from './expression.ts';
import { faultOf, passes } from './http-answer.ts';
import { type Answer, type Request, send } from './http-request.ts';
import { type HttpConfig, httpSchema, httpsSchema } from './http-schema.ts';
import { lookup } from './lookup.ts';
import { failure } from './reason.ts';
import { mayBeTidied } from './tidy-head.ts';
import { tlsOptionsOf } from './tls.ts';

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

async function createHttpCheck(config: HttpConfig, service: CheckDeps): Promise<Check> {
  const { uri, ssl, method, expect_match: text } = config;
  const pattern = text === undefined ? undefined : await compileKey('expect_match', text);
  const url = `http${ssl ? 's' : ''}://${addressOf(targetOf(config, service))}${uri}`;
  const ask = createAsk(requestOf(config, service));
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

/**
 * Sends the request. Where the parser refuses the head of the answer, it is sent once more, and from then
 * on heads are tidied before they are parsed.
 */
function createAsk(request: Request): (signal: AbortSignal) => Promise<Answer> {
  let isTidied = false;
  return async (signal) => {
    try {
      return await send({ ...request, tidied: isTidied }, signal);
    } catch (error) {
      if (isTidied || signal.aborted || !mayBeTidied(error)) throw error;
      isTidied = true;
      return await send({ ...request, tidied: true }, signal);
    }
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

/** Compiles a key's regular expression; rejects with the key's name when it is wrong. */
async function compileKey(key: string, text: string): Promise<Expression> {
  try {
    return await compileExpression(text);
  } catch (error) {
    throw new CheckKeyError(key, messageOf(error));
  }
}
