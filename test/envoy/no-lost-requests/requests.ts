import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';

import { type Each, grpcMethod } from './protocols.ts';

/** Sends the request of a number; what was answered, or an error that says why there is no good answer. */
export type Ask = (request: number) => Promise<string>;

/** How long a request may take, in milliseconds. */
const patience = 10_000;
/** Connections that HTTP/2 requests share. */
const sessions = 2;

/** Connections to a port of this machine that are kept, but for TCP, which has one for each request. */
export const askers: Each<(port: number) => Ask> = {
  http1: (port) => {
    const agent = new Agent({ keepAlive: true });
    return (request) =>
      new Promise((resolve, reject) => {
        const asked = get({ host: '127.0.0.1', port, path: `/${request}`, agent }, (response) => {
          let body = '';
          response.setEncoding('utf8');
          response.on('data', (part: string) => {
            body += part;
          });
          response.once('error', reject);
          response.once('end', () =>
            response.statusCode === 200
              ? resolve(body)
              : reject(new Error(`${response.statusCode} ${body.slice(0, 200)}`)),
          );
        });
        asked.once('error', reject);
        asked.setTimeout(patience, () => asked.destroy(new Error('no answer')));
      });
  },

  http2: (port) => {
    const open: (ClientHttp2Session | undefined)[] = [];
    const sessionFor = (request: number): ClientHttp2Session => {
      const at = request % sessions;
      const known = open[at];
      if (known && !known.closed && !known.destroyed) return known;
      const session = connectHttp2(`http://127.0.0.1:${port}`);
      // Its requests fail with it, and are counted.
      session.on('error', () => {});
      open[at] = session;
      return session;
    };
    return (request) =>
      new Promise((resolve, reject) => {
        const stream = sessionFor(request).request({ ':path': `/${request}` });
        let status: number | undefined;
        let body = '';
        stream.setEncoding('utf8');
        stream.on('response', (headers) => {
          status = headers[':status'];
        });
        stream.on('data', (part: string) => {
          body += part;
        });
        stream.once('error', reject);
        stream.once('close', () =>
          status === 200
            ? resolve(body)
            : reject(new Error(`${status} ${body.slice(0, 200)}, reset ${stream.rstCode}`)),
        );
        stream.setTimeout(patience, () => stream.destroy(new Error('no answer')));
      });
  },

  grpc: (port) => {
    const same = (bytes: Buffer) => bytes;
    const options = { 'grpc.use_local_subchannel_pool': 1 };
    const clients = Array.from(
      { length: sessions },
      () => new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options),
    );
    return (request) =>
      new Promise((resolve, reject) => {
        clients[request % sessions]?.makeUnaryRequest(
          grpcMethod,
          same,
          same,
          Buffer.from(`${request}`),
          { deadline: Date.now() + patience },
          (error: ServiceError | null, answer?: Buffer) => {
            if (error) reject(error);
            else resolve(String(answer));
          },
        );
      });
  },

  tcp: (port) => async (request) => {
    const socket = connect(port, '127.0.0.1');
    socket.setTimeout(patience, () => socket.destroy(new Error('no answer')));
    let answer = '';
    socket.setEncoding('utf8');
    socket.on('data', (part: string) => {
      answer += part;
    });
    socket.write(`${request}\n`);
    await once(socket, 'end');
    socket.destroy();
    if (!answer.endsWith('\n')) throw new Error(`closed after "${answer}"`);
    return answer.trimEnd();
  },
};
