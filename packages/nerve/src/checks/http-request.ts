import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import * as plain from 'node:http';
import * as secure from 'node:https';
import type { Socket } from 'node:net';

import { startDeadline } from './deadline.ts';
import { connectTidied } from './tidy-head.ts';

/** A request and how long each part of it may take, in milliseconds. */
export interface Request {
  /** Over TLS when true. */
  readonly ssl: boolean;
  readonly options: secure.RequestOptions;
  /** The deadline of the whole check: no part may take longer. */
  readonly timeout: number;
  readonly openTimeout: number;
  readonly sslTimeout: number;
  readonly readTimeout: number | undefined;
  /** Whether an answer of this status is to be read whole. */
  wanted(status: number): boolean;
  /** Whether its body is to be kept. */
  readonly keepBody: boolean;
  /** Whether the head of the answer is tidied before it is parsed. */
  readonly tidied?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** More of a body than this is not read; `expect` must be found before. */
const bodyLimit = 1_048_576;

/** A check tests whether a server works, not its HTTP: what curl accepts is accepted. */
const lenient = { insecureHTTPParser: true, maxHeaderSize: 262_144 } as const;

/** `node:http` accepts any stream in place of a socket. */
const tidiedTo = (options: object, isSecure: boolean) =>
  connectTidied(options as Parameters<typeof connectTidied>[0], isSecure) as Socket;

/** Sends one request and reads its answer; rejects with the first error. */
export function send(request: Request, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let answer: IncomingMessage | undefined;
    const sent = (request.ssl ? secure : plain).request({
      ...lenient,
      ...request.options,
      // Without an agent the connection has to be made here.
      ...(request.tidied && {
        agent: undefined,
        createConnection: (options) => tidiedTo(options, request.ssl),
      }),
    });
    const phase = createPhase(request.timeout, (error) => sent.destroy(error));
    const onAbort = () => settle(() => reject(signal.reason));
    const settle = (settled: () => void) => {
      phase.end();
      signal.removeEventListener('abort', onAbort);
      settled();
      sent.destroy();
    };
    // Errors after a complete answer do not matter.
    const fail = (error: Error) => {
      if (!answer?.complete) settle(() => reject(error));
    };
    const read = () => phase.begin('no answer', request.readTimeout);

    signal.addEventListener('abort', onAbort);
    phase.begin('not connected', request.openTimeout);
    sent.on('socket', (socket) => {
      socket.once('connect', () =>
        request.ssl ? phase.begin('no TLS handshake', request.sslTimeout) : read(),
      );
      socket.once('secureConnect', read);
    });
    sent.on('error', fail);
    sent.on('close', () => fail(new Error('connection closed before the answer was whole')));
    sent.on('response', (response) => {
      answer = response;
      response.on('data', read);
      readBody(response, request, (body) =>
        settle(() =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        ),
      );
      response.on('error', fail);
    });
    sent.end();
  });
}

/** Calls back with the body once it is whole or too long, or at once when its status alone decides. */
function readBody(
  response: IncomingMessage,
  { wanted, keepBody }: Request,
  done: (body: string) => void,
): void {
  if (!wanted(response.statusCode ?? 0)) {
    done('');
    return;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  response.on('data', (chunk: Buffer) => {
    if (keepBody) chunks.push(chunk);
    length += chunk.length;
    if (length > bodyLimit) done(Buffer.concat(chunks).toString());
  });
  response.on('end', () => done(Buffer.concat(chunks).toString()));
}

/** A deadline for the current phase of a request; none where the deadline of the whole check comes first. */
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
