import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

import { createDeadline, type Deadline, hasCode, messageOf } from '@smartstack/daemon';

import { createAgents } from './agents.ts';
import { HttpError } from './error.ts';
import { exchange, readBody } from './exchange.ts';
import { shown } from './get.ts';
import { parseJson } from './json.ts';
import { type LineLimits, readLines } from './lines.ts';
import type { TlsMaterial } from './tls-material.ts';

export interface HttpClientOptions {
  /** The server; a request's path is put behind its own. */
  readonly url: URL;
  readonly socketPath?: string | undefined;
  /** Asked before each request; see `createTlsFiles`. */
  readonly tls?: (() => Promise<TlsMaterial>) | undefined;
  /** Asked before each request: tokens may change. */
  readonly headers?: ((signal: AbortSignal) => Promise<Headers>) | undefined;
}

export interface HttpRequest {
  /** GET where nothing else is said. */
  readonly method?: string;
  /** With its query, such as `/v1/kv/web?index=7`. */
  readonly path: string;
  readonly headers?: Headers;
  /** Sent as it is where it is a buffer, otherwise as JSON. */
  readonly body?: unknown;
  /** For the whole answer, in milliseconds; of lines, for the first of them to be allowed to come. */
  readonly timeout?: number;
  /** The longest answer, in bytes. */
  readonly maxBytes?: number;
}

export interface HttpAnswer<T> {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: T;
}

/** Requests to one server over connections that are kept. Redirects are not followed: they would take the token elsewhere. */
export interface HttpClient extends Disposable {
  /** The whole answer, of whatever status. Rejects with what was asked for and why there is none. */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer<Buffer>>;
  /** The JSON of an answer with a status of 200 to 299, undefined for an empty one; rejects with an `HttpError` for another. */
  json(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer<unknown>>;
  /** The lines of an answer as they come (see `readLines`); rejects with an `HttpError` for a status that is not 200 to 299. */
  lines(
    request: HttpRequest & LineLimits,
    signal: AbortSignal,
  ): Promise<HttpAnswer<AsyncIterable<Buffer>>>;
}

type Headers = Readonly<Record<string, string>>;

const usualTimeout = 10_000;

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const agents = createAgents(options.url.protocol === 'https:', options.tls);

  async function open(request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const { method, path, body } = request;
    const asked = {
      url: joined(options.url, path),
      socketPath: options.socketPath,
      method,
      body: encoded(body),
      headers: {
        ...(body !== undefined && !Buffer.isBuffer(body) && { 'content-type': 'application/json' }),
        ...(await options.headers?.(signal)),
        ...request.headers,
      },
    };
    const ask = async () => exchange({ ...asked, agent: await agents.current() }, signal);
    // The server may close an idle connection in the moment in which it is used.
    return ask().catch((error: unknown) =>
      (method ?? 'GET') === 'GET' && hasCode(error, 'ECONNRESET') ? ask() : Promise.reject(error),
    );
  }

  /** Adds to each failure what was asked for. */
  async function within<T>(
    request: HttpRequest,
    signal: AbortSignal,
    work: (deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    const timeout = request.timeout ?? usualTimeout;
    using deadline = createDeadline(timeout, signal);
    try {
      return await work(deadline);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof HttpError) throw error;
      const why = deadline.isOver ? `no whole answer in ${timeout} ms` : messageOf(error);
      throw new Error(`cannot ${what(options, request)}: ${why}`, { cause: error });
    }
  }

  async function whole(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer<Buffer>> {
    const response = await open(request, signal);
    const body = await readBody(response, signal, request.maxBytes);
    return { ...headOf(response), body };
  }

  return {
    send: (request, signal) =>
      within(request, signal, (deadline) => whole(request, deadline.signal)),
    json: (request, signal) =>
      within(request, signal, async (deadline) => {
        const answer = await whole(request, deadline.signal);
        if (!isGood(answer.status)) throw new HttpError(what(options, request), answer);
        const { body } = answer;
        return {
          ...answer,
          body: body.length > 0 ? await parseJson(body, deadline.signal) : undefined,
        };
      }),
    lines: (request, outer) =>
      within(request, outer, async (deadline) => {
        // The stream outlives the time limit for its head.
        const own = new AbortController();
        const stop = () => own.abort(deadline.signal.reason);
        deadline.signal.throwIfAborted();
        deadline.signal.addEventListener('abort', stop);
        try {
          const response = await open(request, own.signal);
          const head = headOf(response);
          if (isGood(head.status)) return { ...head, body: readLines(response, request, outer) };
          const body = await readBody(response, own.signal, request.maxBytes);
          throw new HttpError(what(options, request), { ...head, body });
        } finally {
          deadline.signal.removeEventListener('abort', stop);
        }
      }),
    [Symbol.dispose]: () => agents[Symbol.dispose](),
  };
}

/** A base `https://host/path` and `/v1/x?y` are `https://host/path/v1/x?y`. */
function joined(base: URL, path: string): URL {
  return new URL(`${base.origin}${base.pathname.replace(/\/+$/, '')}${path}`);
}

function encoded(body: unknown): Buffer | undefined {
  if (body === undefined || Buffer.isBuffer(body)) return body;
  return Buffer.from(JSON.stringify(body));
}

function headOf({ statusCode = 0, headers }: IncomingMessage) {
  return { status: statusCode, headers };
}

function isGood(status: number): boolean {
  return status >= 200 && status < 300;
}

function what({ url, socketPath }: HttpClientOptions, { method = 'GET', path }: HttpRequest) {
  return `${method.toLowerCase()} ${shown({ url: joined(url, path), socketPath })}`;
}
