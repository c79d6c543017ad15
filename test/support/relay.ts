import { connect, createServer, type Socket } from 'node:net';

import { freePort } from './ports.ts';

/** A TCP relay in front of a server, which can be made to fail as networks do. */
export interface Relay extends AsyncDisposable {
  readonly port: number;
  readonly hosts: string;
  /** From now on nothing passes in either direction, and nobody is told. */
  silence(): void;
  /** Passes what was held back, and everything from now on. */
  resume(): void;
  /** Resets every connection, now. */
  cut(): void;
  /** Resets a connection in the midst of what the server sends, after this many bytes more. */
  cutWithin(bytes: number): void;
  /** Lets requests through, but swallows what the server says. */
  swallowAnswers(): void;
  /** Loses watch events, and nothing else. */
  swallowEvents(): void;
  /** Sends clients something that no server said. */
  inject(bytes: Buffer): void;
  /** How many connections came so far. */
  readonly connections: number;
  /** Bytes that clients sent and that servers sent. */
  readonly sent: number;
  readonly received: number;
}

/** Starts a relay on 127.0.0.1 to a port of 127.0.0.1. */
export async function startRelay(target: number): Promise<Relay> {
  const port = await freePort();
  const pairs = new Set<readonly [Socket, Socket]>();
  let silent = false;
  let swallowing = false;
  let deaf = false;
  let allowance = Number.POSITIVE_INFINITY;
  let connections = 0;
  let sent = 0;
  let received = 0;

  function fromServer(client: Socket, server: Socket, chunk: Buffer) {
    received += chunk.length;
    if (swallowing || (deaf && isEvent(chunk))) return;
    client.write(chunk.subarray(0, allowance));
    allowance -= chunk.length;
    if (allowance >= 0) return;
    allowance = Number.POSITIVE_INFINITY;
    client.end(() => client.destroy());
    server.destroy();
  }

  const listener = createServer((client) => {
    connections += 1;
    const server = connect(target, '127.0.0.1');
    const pair = [client, server] as const;
    pairs.add(pair);
    if (silent) for (const socket of pair) socket.pause();
    client.on('data', (chunk: Buffer) => {
      sent += chunk.length;
      server.write(chunk);
    });
    server.on('data', (chunk: Buffer) => fromServer(client, server, chunk));
    for (const socket of pair) {
      socket.on('error', () => {});
      socket.on('close', () => {
        pairs.delete(pair);
        for (const other of pair) other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve));

  const cut = () => {
    swallowing = false;
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
  };
  return {
    port,
    hosts: `127.0.0.1:${port}`,
    silence() {
      silent = true;
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    resume() {
      silent = swallowing = deaf = false;
      for (const pair of pairs) for (const socket of pair) socket.resume();
    },
    cut,
    cutWithin(bytes) {
      allowance = bytes;
    },
    swallowAnswers() {
      swallowing = true;
    },
    swallowEvents() {
      deaf = true;
    },
    inject(bytes) {
      for (const [client] of pairs) client.write(bytes);
    },
    get connections() {
      return connections;
    },
    get sent() {
      return sent;
    },
    get received() {
      return received;
    },
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}

/** Whether a chunk starts with a watch event: its xid is -1. */
function isEvent(chunk: Buffer): boolean {
  return chunk.length >= 8 && chunk.readInt32BE(4) === -1;
}
