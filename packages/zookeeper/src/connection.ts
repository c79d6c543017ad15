import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, type SecureContext } from 'node:tls';

import { messageOf } from '@smartstack/daemon';
import zookeeper, { type Client } from 'node-zookeeper-client';

import { type Address, format } from './address.ts';
import { createFrames } from './frames.ts';
import { reasonOfTls } from './tls-reason.ts';

/** What identifies a session to a server. */
export interface Credentials {
  readonly id: Buffer;
  readonly password: Buffer;
  /** The last transaction seen; a server that is behind it refuses the session. */
  readonly zxid: Buffer;
}

export interface Tls {
  readonly secureContext: SecureContext;
  /** The name that the server's certificate must carry; the host's own when undefined. */
  readonly serverName: string | undefined;
  readonly insecure: boolean;
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
  ping(): void;
  /** Aborted, with the reason, once the connection is gone. */
  readonly gone: AbortSignal;
  destroy(reason: Error): void;
}

/** The server ended the session, or does not know it; its ephemeral nodes are gone. */
export class SessionExpired extends Error {
  override readonly name = 'SessionExpired';
}

const connecting = 1;
const apiError = -100;
const lastXid = 2 ** 30;
const pingFrame = Buffer.from('00000008fffffffe0000000b', 'hex');
const knownCodes = new Set(Object.values(zookeeper.Exception).filter(Number.isInteger));

/**
 * Opens a connection and a session on it. Rejects with `SessionExpired` or with why it could not be
 * done; then, and when the signal aborts, nothing is left open. The library gets whole frames and a
 * wire to write to; it neither opens, times nor closes anything.
 */
export function openConnection(
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Connection> {
  const { address, credentials } = options;
  const server = format(address);
  const gone = new AbortController();
  const client = createClient(options);
  const manager = client.connectionManager;
  const socket = openSocket(options);
  let lastInbound = performance.now();
  let replyCode: number | undefined;

  function destroy(reason: Error) {
    if (gone.signal.aborted) return;
    gone.abort(reason);
    socket.destroy();
  }

  const frames = createFrames((frame) => {
    if (gone.signal.aborted) return;
    replyCode = maskUnknownCode(frame, manager.state);
    manager.onSocketData(frame);
    replyCode = undefined;
  });

  manager.socket = {
    write: batched(socket),
    destroy: () => destroy(new Error(`${server} answered out of order`)),
    setTimeout: () => {},
  };
  if (credentials) manager.zxid = credentials.zxid;
  manager.setState(connecting);

  socket.setNoDelay(true);
  socket.on('drain', () => manager.onSocketDrain());
  socket.on('data', (chunk) => {
    lastInbound = performance.now();
    try {
      frames.push(chunk);
    } catch (error) {
      destroy(new Error(`${server} sent what cannot be read: ${messageOf(error)}`));
    }
  });
  socket.on('error', (error) =>
    destroy(new Error(`${server}: ${reasonOfTls(error) ?? messageOf(error)}`, { cause: error })),
  );
  socket.on('close', () => destroy(new Error(`${server} closed the connection`)));

  return new Promise((resolve, reject) => {
    const abort = () => destroy(new Error(`the attempt on ${server} was given up`));
    const timer = setTimeout(
      () => destroy(new Error(`${server} did not answer within ${options.handshake} ms`)),
      options.handshake,
    );
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    gone.signal.addEventListener('abort', () => {
      settle();
      reject(gone.signal.reason as Error);
    });
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) return abort();

    socket.once(options.tls ? 'secureConnect' : 'connect', () => manager.onSocketConnected());
    client.once('expired', () => destroy(new SessionExpired(`${server} ended the session`)));
    client.once('authenticationFailed', () =>
      destroy(new Error(`${server} refused the credentials`)),
    );
    client.once('connected', () => {
      settle();
      resolve({
        server,
        client,
        timeout: client.getSessionTimeout(),
        credentials: () => ({
          id: client.getSessionId(),
          password: client.getSessionPassword(),
          zxid: manager.zxid,
        }),
        lastInbound: () => lastInbound,
        replyCode: () => replyCode,
        ping() {
          // The library counts on for ever, and cannot write a number beyond 31 bits.
          if (manager.xid > lastXid) manager.xid = 1;
          socket.write(pingFrame);
        },
        gone: gone.signal,
        destroy,
      });
    });
  });
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

function openSocket({ address, tls }: ConnectionOptions): Socket {
  const { ip: host, port } = address;
  if (!tls) return connectTcp({ host, port });
  const { secureContext, insecure, serverName = address.name } = tls;
  return connectTls({
    host,
    port,
    secureContext,
    servername: isIP(serverName) ? '' : serverName,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate),
    rejectUnauthorized: !insecure,
  });
}

/** Writes what is written in one go of the event loop with one system call. */
function batched(socket: Socket): (frame: Buffer) => boolean {
  let corked = false;
  const flush = () => {
    corked = false;
    socket.uncork();
  };
  return (frame) => {
    if (!corked) {
      corked = true;
      socket.cork();
      process.nextTick(flush);
    }
    return socket.write(frame);
  };
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
