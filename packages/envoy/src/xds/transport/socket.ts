import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer, isIP, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';

import { messageOf, removeStaleSocket } from '@smartstack/daemon';

/** Where to listen. */
export interface ListenOptions {
  /** A UNIX socket and its mode, 0600 by default. */
  readonly socket?: { readonly path: string; readonly mode?: number };
  /** A loopback address as `host:port`; port 0 is any free one. */
  readonly address?: string;
}

/** A socket that accepts connections until it is disposed of. */
export interface Listener extends Disposable {
  /** The port, where it is an address. */
  readonly port: number | undefined;
}

type OnConnection = (socket: Socket) => void;

export interface AcceptOptions {
  readonly onConnection: OnConnection;
  readonly connections: number;
}

/** How long a path of a UNIX socket may be, in bytes; what is longer is cut without a word. */
const longestPath = 107;

/** Listens at a UNIX socket that has its mode from its creation on; replaces one that nobody listens at. */
export async function listenAtSocket(
  { path, mode = 0o600 }: { readonly path: string; readonly mode?: number },
  options: AcceptOptions,
): Promise<Listener> {
  const attempt = `cannot listen at ${path}`;
  if (Buffer.byteLength(path) > longestPath)
    throw new Error(`${attempt}: a socket's path has at most ${longestPath} bytes`);
  await mkdir(dirname(path), { recursive: true });
  try {
    await removeStaleSocket(path);
  } catch (cause) {
    throw new Error(`${attempt}: ${messageOf(cause)}`, { cause });
  }
  const server = accept(options);
  const before = process.umask(0o777 & ~mode);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
  return listening(server, attempt);
}

/** Listens at an address of this machine's own. */
export async function listenAtAddress(address: string, options: AcceptOptions): Promise<Listener> {
  const attempt = `cannot listen at ${address}`;
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address) ?? [];
  const bare = host.replace(/^\[|\]$/g, '');
  if (!isLoopback(bare)) throw new Error(`${attempt}: expected a loopback address and a port`);
  const server = accept(options);
  server.listen({ host: bare, port: Number(port) });
  return listening(server, attempt);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function accept({ onConnection, connections }: AcceptOptions): Server {
  const server = createServer({ noDelay: true }, onConnection);
  server.maxConnections = connections;
  return server;
}

async function listening(server: Server, attempt: string): Promise<Listener> {
  try {
    await once(server, 'listening');
  } catch (cause) {
    server.close();
    throw new Error(`${attempt}: ${(cause as Error).message}`, { cause });
  }
  // Accepting may fail for want of descriptors; those who are connected go on.
  server.on('error', () => {});
  const at = server.address();
  return {
    port: typeof at === 'object' ? at?.port : undefined,
    [Symbol.dispose]: () => {
      server.close();
    },
  };
}
