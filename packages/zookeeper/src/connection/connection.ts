import { messageOf } from '@smartstack/daemon';
import zookeeper, { type Client, type ConnectionManager, type Event } from 'node-zookeeper-client';

import { onAbort } from '../abort.ts';
import { createFrames } from '../wire/frames.ts';
import { Reading } from '../wire/reading.ts';
import { batchedWrite, openSocket, type Tls } from '../wire/socket.ts';
import { reasonOfTls } from '../wire/tls-reason.ts';
import { type Address, format } from './address.ts';

/** What identifies a session to a server. */
export interface Credentials {
  readonly id: Buffer;
  readonly password: Buffer;
  /** The last transaction seen; a server that is behind it refuses the session. */
  readonly zxid: Buffer;
}

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

/** A session's id as the servers' own logs show it. */
export function shown({ id }: Credentials): string {
  return `0x${id.readBigUInt64BE().toString(16)}`;
}

/** One TCP connection with a session on it. It never reconnects: when it is gone, it is gone. */
export interface Connection {
  readonly server: string;
  readonly client: Client;
  /** The timeout that the server granted, in milliseconds. */
  readonly timeout: number;
  /** The session's credentials as of now. */
  credentials(): Credentials;
  /** When the last byte came in, on `performance.now()`'s clock. */
  lastInbound(): number;
  /** The server's true error code while its reply is handed out; the library knows only some. */
  replyCode(): number | undefined;
  /** Tells of each watch that fires, by its event, from now on. */
  onEvent(listener: (event: Event) => void): void;
  ping(): void;
  /** Aborted, with the reason, once the connection is gone. */
  readonly gone: AbortSignal;
  destroy(reason: Error): void;
}

/** The server ended the session, or does not know it; its ephemeral nodes are gone. */
export class SessionExpired extends Error {
  override readonly name = 'SessionExpired';
}

/** Nothing refused the attempt, and nothing came of it in time. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered';
}

/** The server closed the connection in place of an answer: it does not serve now, or is behind what the session has seen. */
export class TurnedAway extends Error {
  override readonly name = 'TurnedAway';
}

const connecting = 1;
const apiError = -100;
const lastXid = 2 ** 30;
const pingFrame = Buffer.from('00000008fffffffe0000000b', 'hex');
const knownCodes = new Set(Object.values(zookeeper.Exception).filter(Number.isInteger));

/**
 * Opens a connection and a session on it. Rejects with `SessionExpired` or with why it could not be
 * done; then, and when the signal aborts, nothing is left open.
 */
export function openConnection(
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Connection> {
  const connection = startConnection(options);
  const { client, server, gone, destroy } = connection;

  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => destroy(new Unanswered(`${server} did not answer within ${options.handshake} ms`)),
      options.handshake,
    );
    let off = () => {};
    const settle = () => {
      clearTimeout(timer);
      off();
    };
    onAbort(gone, () => {
      settle();
      reject(gone.reason);
    });
    off = onAbort(signal, () => destroy(new Error(`the attempt on ${server} was given up`)));
    client.once('expired', () => destroy(new SessionExpired(`${server} ended the session`)));
    client.once('authenticationFailed', () =>
      destroy(new Error(`${server} refused the credentials`)),
    );
    client.once('connected', () => {
      settle();
      resolve(connection);
    });
  });
}

/** The library gets whole frames and a wire to write to; it neither opens, times nor closes anything. */
function startConnection(options: ConnectionOptions): Connection {
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
  let tell = (_: Event) => {};

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
  // The library would keep an emitter for each watch; the server tells of nothing but watches anyway.
  manager.watcherManager = { emit: (event) => tell(event), isEmpty: () => true };
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
      tell = listener;
    },
    ping() {
      // The library counts on for ever, and cannot write a number beyond 31 bits.
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

/** Hands a reply to the read of ours that is next to be answered; any other frame is the library's. */
function answersReading(frame: Buffer, manager: ConnectionManager): boolean {
  const { pendingQueue, state } = manager;
  if (state === connecting || frame.length < 20) return false;
  const request = pendingQueue[0]?.request;
  if (!(request instanceof Reading) || request.header.xid !== frame.readInt32BE(4)) return false;
  pendingQueue.shift();
  manager.zxid = Buffer.from(frame.subarray(8, 16));
  const code = frame.readInt32BE(16);
  request.answer(code, code === 0 ? frame : undefined);
  return true;
}

/**
 * Replaces an error code that the library would throw on by one that it knows, and returns the true
 * one. A reply is length, xid, zxid, error: the code lies at byte 16, and only xids from 0 have one.
 */
function maskUnknownCode(frame: Buffer, state: number): number | undefined {
  if (state === connecting || frame.length < 20 || frame.readInt32BE(4) < 0) return undefined;
  const code = frame.readInt32BE(16);
  if (code !== 0 && !knownCodes.has(code)) frame.writeInt32BE(apiError, 16);
  return code;
}
