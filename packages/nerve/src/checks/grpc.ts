import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { percentDecoded } from '@smartstack/daemon';

import { z } from 'zod';
import { addressOf, type CheckMechanism, nameOf, networkKeys, targetOf } from './check.ts';
import { failure } from './reason.ts';
import { sslKeys, tlsKeys, tlsOptionsOf } from './tls.ts';

const schema = z
  .strictObject({
    type: z.literal('grpc'),
    ...networkKeys(),
    service: z
      .string()
      .max(127)
      .default('')
      .meta({
        description: 'the service to ask after; the server as a whole when empty',
        examples: ['shop.Cart'],
      }),
    ...sslKeys,
    ...tlsKeys,
  })
  .meta({
    description: 'passes when the server says SERVING over the standard health protocol',
  });

/** Passes when a server reports SERVING over the standard health protocol, `grpc.health.v1.Health/Check`. */
export const grpc: CheckMechanism<typeof schema> = {
  type: 'grpc',
  schema,
  create: (config, deps) => {
    const target = targetOf(config, deps);
    const url = `http${config.ssl ? 's' : ''}://${addressOf(target)}`;
    const tls = config.ssl ? tlsOptionsOf(config, deps.directory) : {};
    const request = encode(config.service);
    return {
      name: nameOf(config, deps),
      run: async (signal) => {
        const session = connect(url, tls);
        try {
          const { data, trailers } = await call(session, request, signal);
          const fault = faultOf(data, trailers);
          if (fault !== undefined) throw new Error(fault);
        } catch (error) {
          throw failure(`ask grpc health of ${addressOf(target)}`, error);
        } finally {
          session.destroy();
        }
      },
    };
  },
};

interface Answer {
  readonly data: Buffer;
  /** Trailers and, of an answer that is only those, headers. */
  readonly trailers: Readonly<Record<string, unknown>>;
}

function call(session: ClientHttp2Session, message: Buffer, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onAbort = () => settle(() => reject(signal.reason));
    const settle = (settled: () => void) => {
      signal.removeEventListener('abort', onAbort);
      settled();
    };
    const fail = (error: Error) => settle(() => reject(error));
    signal.addEventListener('abort', onAbort);
    session.on('error', fail);
    session.on('close', () => fail(new Error('connection closed before the answer was whole')));
    const stream = session.request(healthCheck);
    const answer = collect(stream);
    // A stream that never began fails because of its session; the reason is in its cause.
    stream.on('error', (error) => fail(error.cause instanceof Error ? error.cause : error));
    stream.on('end', () => settle(() => resolve(answer())));
    stream.end(message);
  });
}

const healthCheck = {
  [constants.HTTP2_HEADER_METHOD]: 'POST',
  [constants.HTTP2_HEADER_PATH]: '/grpc.health.v1.Health/Check',
  'content-type': 'application/grpc',
  te: 'trailers',
};

/** Collects a stream's answer, which is whole once the stream has ended. */
function collect(stream: ClientHttp2Stream): () => Answer {
  const chunks: Buffer[] = [];
  let trailers = {};
  stream.on('response', (headers) => Object.assign(trailers, headers));
  stream.on('trailers', (headers) => {
    trailers = { ...trailers, ...headers };
  });
  stream.on('data', (chunk: Buffer) => {
    if (chunks.length < 16) chunks.push(chunk);
  });
  return () => ({ data: Buffer.concat(chunks), trailers });
}

/** A length-prefixed `HealthCheckRequest {string service = 1}`. */
function encode(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length > 0 ? [0x0a, name.length, ...name] : [];
  return Buffer.from([0, 0, 0, 0, message.length, ...message]);
}

/** What is wrong with an answer `HealthCheckResponse {ServingStatus status = 1}`, or undefined when it passes. */
function faultOf(data: Buffer, trailers: Answer['trailers']): string | undefined {
  const { ':status': http, 'grpc-status': code, 'grpc-message': message } = trailers;
  if (http !== 200) return `HTTP status ${http}`;
  if (code !== undefined && code !== '0') {
    const name = statusNames[Number(code)] ?? `status ${code}`;
    return typeof message === 'string' && message !== ''
      ? `${name}: ${percentDecoded(message)}`
      : name;
  }
  if (data.length < 5 || data[0] !== 0) return 'not a gRPC answer';
  const serving = data[5] === 0x08 ? data[6] : 0;
  return serving === 1 ? undefined : (servingNames[serving ?? 0] ?? `serving status ${serving}`);
}

const servingNames = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
const statusNames: Readonly<Record<number, string>> = {
  4: 'DEADLINE_EXCEEDED',
  5: 'NOT_FOUND',
  7: 'PERMISSION_DENIED',
  12: 'UNIMPLEMENTED (no health service there)',
  13: 'INTERNAL',
  14: 'UNAVAILABLE',
  16: 'UNAUTHENTICATED',
};
