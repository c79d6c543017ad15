import { messageOf } from '@smartstack/daemon';
import zookeeper, { type Client, type Event } from 'node-zookeeper-client';

import { createFrames } from '../wire/frames.ts';
import { answersReading, connecting, maskUnknownCode } from '../wire/replies.ts';
import { batchedWrite, openSocket, type Tls } from '../wire/socket.ts';
import { reasonOfTls } from '../wire/tls-reason.ts';
import { type Address, format } from './address.ts';
import type { Credentials } from './credentials.ts';
import { TurnedAway } from './errors.ts';

export interface ConnectionOptions {
  readonly address: Address;
  /** The session to go on with; a new one when absent. */
  readonly credentials?: Credentials | undefined;
  /** The session timeout to ask for, in milliseconds. */
  readonly timeout: number;
  /** How long TCP, TLS and ZooKeeper's own handshake may take together, in milliseconds. */
  readonly handshake: number;
  readonly auth?: { readonly scheme: string; readonly token: Buffer } | undefined;
  readonly tls?: Tls | undefined;
}

/** One TCP connection with a session on it. It never reconnects. */
export interface Connection {
  readonly server: string;
  readonly client: Client;
  /** The timeout that the server granted, in milliseconds. */
  readonly timeout: number;
  /** The session's credentials as of now. */
  credentials(): Credentials;
  /** When the last byte came in, on `performance.now()`'s clock. */
  lastInbound(): number;
  /** The server's actual error code while its reply is processed; the library knows only some. */
  replyCode(): number | undefined;
  /** Calls the listener with the event of each watch that fires, from now on. */
  onEvent(listener: (event: Event) => void): void;
  ping(): void;
  /** Aborted, with the reason, once the connection is gone. */
  readonly gone: AbortSignal;
  destroy(reason: Error): void;
}

const lastXid = 2 ** 30;
const pingFrame = Buffer.from('00000008fffffffe0000000b', 'hex');

/** The library only encodes and decodes: sockets, timeouts and closing are handled here. */
export function startConnection(options: ConnectionOptions): Connection {
  const { address, credentials, tls } = options;
  const server = format(address);
  const gone = new AbortController();
  const client = createClient(options);
  const manager = client.connectionManager;
  const socket = openSocket(address, tls);
  let lastInbound = performance.now();
  let replyCode: number | undefined;
  let isAsked = false;
  let isAnswered = false;
  let emit = (_: Event) => {};

  function destroy(reason: Error) {
    if (gone.signal.aborted) return;
    gone.abort(reason);
    socket.destroy();
  }

  const frames = createFrames((frame) => {
    if (gone.signal.aborted || answersReading(frame, manager)) return;
    replyCode = maskUnknownCode(frame, manager.state);
    manager.onSocketData(frame);
    replyCode = undefined;
  });

  function receive(chunk: Buffer) {
    lastInbound = performance.now();
    isAnswered = true;
    try {
      frames.push(chunk);
    } catch (error) {
      destroy(new Error(`${server} sent what cannot be read: ${messageOf(error)}`));
    }
  }

  manager.socket = {
    write: batchedWrite(socket),
    destroy: () => destroy(new Error(`${server} answered out of order`)),
    setTimeout: () => {},
  };
  // The library would keep an emitter for each watch; every event that a server sends is a watch's.
  manager.watcherManager = { emit: (event) => emit(event), isEmpty: () => true };
  if (credentials) manager.zxid = credentials.zxid;
  manager.setState(connecting);

  socket.setNoDelay(true);
  socket.once(tls ? 'secureConnect' : 'connect', () => {
    isAsked = true;
    manager.onSocketConnected();
  });
  socket.on('data', receive);
  socket.on('drain', () => manager.onSocketDrain());
  socket.on('error', (error) =>
    destroy(new Error(`${server}: ${reasonOfTls(error) ?? messageOf(error)}`, { cause: error })),
  );
  socket.on('close', () => {
    const reason = `${server} closed the connection`;
    destroy(isAsked && !isAnswered ? new TurnedAway(reason) : new Error(reason));
  });

  return {
    server,
    client,
    gone: gone.signal,
    destroy,
    get timeout() {
      return client.getSessionTimeout();
    },
    credentials: () => ({
      id: client.getSessionId(),
      password: client.getSessionPassword(),
      zxid: manager.zxid,
    }),
    lastInbound: () => lastInbound,
    replyCode: () => replyCode,
    onEvent: (listener) => {
      emit = listener;
    },
    ping() {
      // The library never resets its counter, and cannot write a number beyond 31 bits.
      if (manager.xid > lastXid) manager.xid = 1;
      socket.write(pingFrame);
    },
  };
}

function createClient({ credentials, timeout, auth }: ConnectionOptions): Client {
  const client = zookeeper.createClient('unused:1', {
    sessionTimeout: timeout,
    retries: 0,
    ...(credentials && { sessionId: credentials.id, sessionPassword: credentials.password }),
  });
  client.connectionManager.connect = () => {};
  if (auth) client.addAuthInfo(auth.scheme, auth.token);
  return client;
}
