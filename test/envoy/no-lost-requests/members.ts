import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttp2, type ServerHttp2Session } from 'node:http2';
import {
  type AddressInfo,
  connect,
  createServer as createTcp,
  type Server as NetServer,
} from 'node:net';
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';

import { answerOf, type Each, each, eachOf, grpcMethod, type ProtocolName } from './protocols.ts';

/** What the process that is all members is told: a member's name to open or to end, or to count anew. */
export type MembersOrder =
  | { readonly open: string }
  | { readonly close: string }
  | { readonly count: true };

/** What it answers: the ports of a new member, nothing, or what was counted. */
export type MembersAnswer = Each<number> | Each<Counted> | null;

export interface Counted {
  readonly requests: number;
  /** Requests that came a second time. */
  readonly duplicates: number;
}

interface Opened {
  readonly port: number;
  /** Finishes what it is answering. */
  close(): void;
}

/** Each so many requests one takes a while, so that some are under way whatever happens. */
const slowOne = 16;
const slowTime = 30;

const opened = new Map<string, Each<Opened>>();
const seen = each(() => new Set<number>());
const duplicates: Record<ProtocolName, number> = { http1: 0, http2: 0, grpc: 0, tcp: 0 };

// Whoever started this is gone.
process.once('disconnect', () => process.exit());
process.on('message', (order: MembersOrder) => {
  void answer(order).then((result) => process.send?.(result));
});

async function answer(order: MembersOrder): Promise<MembersAnswer> {
  if ('open' in order) {
    const all = await eachOf((protocol) => servers[protocol](order.open));
    opened.set(order.open, all);
    return each((protocol) => all[protocol].port);
  }
  if ('close' in order) {
    const all = opened.get(order.close) as Each<Opened>;
    opened.delete(order.close);
    await eachOf(async (protocol) => {
      await accepted(protocol, all[protocol].port);
      all[protocol].close();
    });
    return null;
  }
  return each((protocol) => {
    const counted = { requests: seen[protocol].size, duplicates: duplicates[protocol] };
    seen[protocol].clear();
    duplicates[protocol] = 0;
    return counted;
  });
}

/** Notes a request that has a number, and answers it. */
function take(
  protocol: ProtocolName,
  member: string,
  request: number,
  send: (text: string) => void,
): void {
  if (seen[protocol].has(request)) duplicates[protocol] += 1;
  if (!Number.isNaN(request)) seen[protocol].add(request);
  const reply = () => send(answerOf(protocol, member, request));
  if (request % slowOne === 0) setTimeout(reply, slowTime);
  else reply();
}

/**
 * Resolves once all connections were accepted that came before: the kernel resets those that wait when a socket is
 * closed.
 */
async function accepted(protocol: ProtocolName, port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1', () => socket.write(firstWords[protocol]));
  await once(socket, 'data');
  socket.destroy();
}

/** What a server answers to at once; one of HTTP/2 speaks first. */
const firstWords: Each<string> = {
  http1: 'GET /first HTTP/1.0\r\n\r\n',
  http2: '',
  grpc: '',
  tcp: '-\n',
};

async function listening(server: NetServer): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

const numberOf = (path = '') => Number(path.slice(1));
type Call = ServerUnaryCall<Buffer, Buffer>;

const servers: Each<(member: string) => Promise<Opened>> = {
  http1: async (member) => {
    const server = createHttp((request, response) =>
      take('http1', member, numberOf(request.url), (text) => response.end(text)),
    );
    const port = await listening(server);
    return {
      port,
      close: () => {
        server.close();
        server.closeIdleConnections();
      },
    };
  },

  http2: async (member) => {
    const sessions = new Set<ServerHttp2Session>();
    const server = createHttp2();
    server.on('session', (session) => {
      session.on('error', () => {});
      sessions.add(session);
      session.once('close', () => sessions.delete(session));
    });
    server.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      take('http2', member, numberOf(headers[':path']), (text) => stream.end(text));
    });
    const port = await listening(server);
    return {
      port,
      close: () => {
        server.close();
        for (const session of sessions) session.close();
      },
    };
  },

  grpc: async (member) => {
    const same = (bytes: Buffer) => bytes;
    const server = new Server();
    const method = {
      path: grpcMethod,
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    } as const;
    const ask = ({ request }: Call, done: sendUnaryData<Buffer>) =>
      take('grpc', member, Number(request), (text) => done(null, Buffer.from(text)));
    server.addService({ ask: method }, { ask });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    return { port, close: () => server.tryShutdown(() => {}) };
  },

  tcp: async (member) => {
    const server = createTcp((socket) => {
      socket.on('error', () => {});
      socket.setEncoding('utf8');
      let line = '';
      socket.on('data', (part: string) => {
        line += part;
        if (!line.endsWith('\n')) return;
        take('tcp', member, Number(line), (text) => socket.end(`${text}\n`));
      });
    });
    const port = await listening(server);
    return { port, close: () => void server.close() };
  },
};
