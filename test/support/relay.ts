import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

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
  /** From now on clients that go on with a session say to have seen this transaction, which may not have been yet. */
  claimSeen(zxid: bigint): void;
  /** From now on what the server says comes late, by so many milliseconds each time, in its order. */
  delayAnswers(by: () => number): void;
  /** Lets requests through, but swallows what the server says. */
  swallowAnswers(): void;
  /** Loses watch events, and nothing else. */
  swallowEvents(): void;
  /** Sends clients once more what the server said to them last. */
  replay(): void;
  /** Sends clients something that no server said. */
  inject(bytes: Buffer): void;
  /** Sends clients a watch event that no server sent. */
  injectEvent(path: string): void;
  /** How many connections came so far. */
  readonly connections: number;
  /** How often clients sent something: about one for each request. */
  readonly requests: number;
  /** Bytes that clients sent and that servers sent. */
  readonly sent: number;
  readonly received: number;
}

type Pair = readonly [client: Socket, server: Socket];

/** Starts a relay on 127.0.0.1 to a port of 127.0.0.1. */
export async function startRelay(target: number): Promise<Relay> {
  const port = await freePort();
  const pairs = new Set<Pair>();
  const sending = new WeakMap<Socket, Promise<void>>();
  const said = new WeakMap<Socket, Buffer>();
  let lateness: (() => number) | undefined;
  let silent = false;
  let swallowing = false;
  let deaf = false;
  let claimed: bigint | undefined;
  let allowance = Number.POSITIVE_INFINITY;
  let connections = 0;
  let requests = 0;
  let sent = 0;
  let received = 0;

  function fromServer(client: Socket, server: Socket, chunk: Buffer) {
    received += chunk.length;
    said.set(client, chunk);
    if (swallowing) return;
    if (deaf) return void client.write(withoutEvents(chunk));
    if (lateness) return later(client, chunk, lateness());
    client.write(chunk.subarray(0, allowance));
    allowance -= chunk.length;
    if (allowance >= 0) return;
    allowance = Number.POSITIVE_INFINITY;
    client.end(() => client.destroy());
    server.destroy();
  }

  /** One after the other: timers that end in the same moment need not fire in their order. */
  function later(client: Socket, chunk: Buffer, by: number) {
    const due = performance.now() + by;
    const before = sending.get(client) ?? Promise.resolve();
    const write = async () => {
      await before;
      await sleep(Math.max(0, due - performance.now()));
      if (client.writable) client.write(chunk);
    };
    sending.set(client, write());
  }

  function end(pair: Pair) {
    pairs.delete(pair);
    for (const socket of pair) socket.destroy();
  }

  const listener = createServer((client) => {
    connections += 1;
    const server = connect(target, '127.0.0.1');
    const pair = [client, server] as const;
    pairs.add(pair);
    if (silent) for (const socket of pair) socket.pause();
    let isFirst = true;
    client.on('data', (chunk: Buffer) => {
      requests += 1;
      sent += chunk.length;
      if (isFirst && claimed !== undefined) claim(chunk, claimed);
      isFirst = false;
      server.write(chunk);
    });
    server.on('data', (chunk: Buffer) => fromServer(client, server, chunk));
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        if (!silent) end(pair);
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
      for (const pair of pairs) {
        if (pair.some((socket) => socket.destroyed)) end(pair);
        else for (const socket of pair) socket.resume();
      }
    },
    cut,
    cutWithin(bytes) {
      allowance = bytes;
    },
    claimSeen(zxid) {
      claimed = zxid;
    },
    delayAnswers(by) {
      lateness = by;
    },
    swallowAnswers() {
      swallowing = true;
    },
    swallowEvents() {
      deaf = true;
    },
    replay() {
      for (const [client] of pairs) client.write(said.get(client) ?? '');
    },
    inject(bytes) {
      for (const [client] of pairs) client.write(bytes);
    },
    injectEvent(path) {
      for (const [client] of pairs) client.write(event(path));
    },
    get connections() {
      return connections;
    },
    get requests() {
      return requests;
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

/** A request to connect is length, protocol, last transaction seen, …; one that has seen none is left as it is. */
function claim(request: Buffer, zxid: bigint): void {
  if (request.length >= 16 && request.readBigInt64BE(8) !== 0n) request.writeBigInt64BE(zxid, 8);
}

/** A chunk of whole frames without its watch events, whose xid is -1. */
function withoutEvents(chunk: Buffer): Buffer {
  const kept: Buffer[] = [];
  for (let at = 0; at + 8 <= chunk.length; ) {
    const end = at + 4 + chunk.readInt32BE(at);
    if (chunk.readInt32BE(at + 4) !== -1) kept.push(chunk.subarray(at, end));
    at = end;
  }
  return Buffer.concat(kept);
}

/** A watch event: length, xid -1, zxid -1, no error, type "data changed", state "connected", path. */
function event(path: string): Buffer {
  const head = Buffer.alloc(4 + 16 + 8 + 4, 0xff);
  head.writeInt32BE(head.length - 4 + path.length, 0);
  head.writeInt32BE(0, 16);
  head.writeInt32BE(3, 20);
  head.writeInt32BE(3, 24);
  head.writeInt32BE(path.length, 28);
  return Buffer.concat([head, Buffer.from(path)]);
}
