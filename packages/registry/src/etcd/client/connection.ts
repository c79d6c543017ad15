import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';

import { createDeadline, messageOf, percentDecoded } from '@smartstack/daemon';
import type { TlsMaterial } from '../../http/tls-material.ts';
import { createFrameReader, framed } from '../wire/frames.ts';
import { GrpcError } from './errors.ts';
import { keepPinging } from './ping.ts';

export type Metadata = Readonly<Record<string, string>>;

/** One HTTP/2 connection to one endpoint, for any number of calls at once. */
export interface Connection {
  readonly endpoint: string;
  readonly isOpen: boolean;
  /** Resolves to the answer's bytes; rejects with a `GrpcError` where etcd says no. */
  call(path: string, request: Buffer, options: CallOptions): Promise<Buffer>;
  /** Opens a stream in both directions. */
  stream(path: string, metadata: Metadata, handlers: StreamHandlers): Stream;
  close(reason?: unknown): void;
}

export interface CallOptions {
  readonly metadata: Metadata;
  /** How long etcd may say nothing, in milliseconds; the whole may take ten times as long. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

export interface StreamHandlers {
  /** Called with every part of a message, too. */
  onChunk?(): void;
  onMessage(message: Buffer): void;
  /** Called once, when no more messages come. */
  onEnd(error: Error): void;
}

export interface Stream {
  send(message: Buffer): void;
  close(): void;
}

export interface ConnectionOptions {
  readonly endpoint: string;
  readonly tls?: TlsMaterial | undefined;
  /** How long connecting may take, in milliseconds. */
  readonly timeout: number;
}

/** So much may be on its way to us, in bytes: a list of 10,000 members should not wait for us. */
const window = 8 * 1024 * 1024;

/** Connects to an endpoint; rejects where it cannot be reached in time. */
export async function openConnection(
  { endpoint, tls, timeout }: ConnectionOptions,
  signal: AbortSignal,
): Promise<Connection> {
  signal.throwIfAborted();
  using deadline = createDeadline(timeout, signal);
  const session = connect(endpoint, {
    ...tls,
    settings: { initialWindowSize: window, enablePush: false },
  });
  const ended = new Promise<never>((_, reject) => {
    // Also of what comes after the first: an error that nobody hears ends the process.
    session.on('error', reject);
    session.once('close', () => reject(new Error('closed')));
    deadline.signal.addEventListener('abort', () => {
      const reason = deadline.isOver ? `no connection in ${timeout} ms` : 'aborted';
      session.destroy();
      reject(new Error(reason));
    });
  });
  ended.catch(() => {});
  await Promise.race([
    new Promise<void>((resolve) => session.once('connect', () => resolve())),
    ended,
  ]);
  session.setLocalWindowSize(window);
  return over(session, endpoint);
}

function over(session: ClientHttp2Session, endpoint: string): Connection {
  let failure: Error | undefined;
  let closed = false;
  const close = (reason?: unknown) => {
    failure ??= reason === undefined ? undefined : new Error(messageOf(reason));
    closed = true;
    session.destroy();
  };
  session.on('error', (error) => {
    failure ??= error;
  });
  session.on('goaway', (code) => {
    const isCalm = code === constants.NGHTTP2_ENHANCE_YOUR_CALM;
    close(new Error(isCalm ? 'closed: too many pings' : 'closed by etcd'));
  });
  session.on('close', () => {
    closed = true;
  });
  const pings = keepPinging(session, close);

  function open(path: string, metadata: Metadata, handlers: StreamHandlers) {
    const request = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...metadata,
    });
    read(request, {
      onChunk: () => {
        pings.heard();
        handlers.onChunk?.();
      },
      onMessage: handlers.onMessage,
      onEnd: (error) => handlers.onEnd(isStatus(error) ? error : (failure ?? error)),
    });
    return request;
  }

  return {
    endpoint,
    get isOpen() {
      return !closed && !session.destroyed;
    },
    call: (path, message, { metadata, timeout, signal }) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(failure ?? new Error('closed'));
        // What is not wanted any more is not sent.
        if (signal.aborted) return reject(new Error('aborted'));
        let answer: Buffer | undefined;
        let request: ClientHttp2Stream | undefined;
        const deadline = createDeadline(timeout * 10, signal);
        const give = (why: string) => {
          request?.close(constants.NGHTTP2_CANCEL);
          settle(new Error(why));
        };
        const late = `no answer in ${timeout} ms`;
        const quiet = setTimeout(() => give(late), timeout);
        const settle = (error: Error) => {
          clearTimeout(quiet);
          deadline[Symbol.dispose]();
          if (isStatus(error) && error.code === 0 && answer) resolve(answer);
          else reject(isStatus(error) && error.code === 0 ? new Error('no answer in it') : error);
        };
        try {
          request = open(path, metadata, {
            onChunk: () => quiet.refresh(),
            onMessage: (bytes) => {
              answer = bytes;
            },
            onEnd: settle,
          });
        } catch (error) {
          // The session ended a moment ago, or the metadata is none.
          return settle(error as Error);
        }
        const onAbort = () => give(deadline.isOver ? `no whole ${late}` : 'aborted');
        deadline.signal.addEventListener('abort', onAbort);
        request.end(framed(message));
      }),
    stream: (path, metadata, handlers) => {
      if (closed) {
        queueMicrotask(() => handlers.onEnd(failure ?? new Error('closed')));
        return { send: () => {}, close: () => {} };
      }
      const done = pings.hold();
      const request = open(path, metadata, {
        onMessage: handlers.onMessage,
        onEnd: (error) => {
          done();
          handlers.onEnd(isStatus(error) && error.code === 0 ? new Error('ended by etcd') : error);
        },
      });
      return {
        send: (message) => {
          if (request.writable) request.write(framed(message));
        },
        close: () => request.close(constants.NGHTTP2_CANCEL),
      };
    },
    close,
  };
}

const isStatus = (error: Error): error is GrpcError => error instanceof GrpcError;

/** Reads a stream's messages and how it ended: with gRPC's status, or with why there was none. */
function read(request: ClientHttp2Stream, { onChunk, onMessage, onEnd }: StreamHandlers): void {
  const frames = createFrameReader();
  let ended = false;
  const end = (error: Error) => {
    if (ended) return;
    ended = true;
    onEnd(error);
  };
  const status = (headers: IncomingHttpHeaders) => {
    const code = headers['grpc-status'];
    if (code === undefined) return;
    if (frames.isWithin()) return end(new Error('answer ends in its midst'));
    end(new GrpcError(Number(code), percentDecoded(String(headers['grpc-message'] ?? ''))));
  };
  request.on('response', (headers) => {
    const { ':status': code, 'content-type': type = '' } = headers;
    if (code !== 200 || !String(type).startsWith('application/grpc')) {
      request.close(constants.NGHTTP2_CANCEL);
      return end(new Error(`answered ${code} and not as etcd's API does`));
    }
    status(headers);
  });
  request.on('trailers', status);
  request.on('data', (chunk: Buffer) => {
    onChunk?.();
    try {
      for (const message of frames.read(chunk)) if (!ended) onMessage(message);
    } catch (error) {
      request.close(constants.NGHTTP2_CANCEL);
      end(error as Error);
    }
  });
  request.on('error', end);
  request.on('close', () => end(new Error('connection closed')));
}
