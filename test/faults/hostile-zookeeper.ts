import { connect, createServer, type Socket } from 'node:net';

import { createFrames } from '../../packages/zookeeper/src/wire/frames.ts';

/** The requests of ZooKeeper's protocol that can be told apart here, by their type. */
const operations = {
  1: 'create',
  2: 'delete',
  3: 'exists',
  4: 'get',
  5: 'set',
  8: 'list',
  12: 'list',
} as const;

/** One request of a client. */
export interface Asked {
  readonly operation: (typeof operations)[keyof typeof operations];
  readonly path: string;
}

/** What becomes of a request: whether the server gets it, and the error code that the client gets; none for no answer. */
export interface Verdict {
  readonly isDone: boolean;
  readonly code?: number;
}

/** A relay in front of a real ZooKeeper that lies about single requests. */
export interface HostileZooKeeper extends AsyncDisposable {
  readonly hosts: string;
  /** Judges each request; those without a verdict pass. */
  judge: ((asked: Asked) => Verdict | undefined) | undefined;
  /** How many requests got a verdict. */
  readonly judged: number;
  /** Resets every connection. */
  cut(): void;
}

/** Starts it on a free port of 127.0.0.1. */
export async function startHostileZooKeeper(target: number): Promise<HostileZooKeeper> {
  const sockets = new Set<Socket>();
  let judged = 0;

  function serve(client: Socket): void {
    const server = connect(target, '127.0.0.1');
    /** Verdicts on requests that are under way, by their number. */
    const verdicts = new Map<number, Verdict>();
    let isMute = false;
    let isFirst = true;
    const up = createFrames((frame) => {
      const asked = isFirst ? undefined : askedIn(frame);
      isFirst = false;
      const verdict = asked && hostile.judge?.(asked);
      if (!verdict) return void server.write(frame);
      judged += 1;
      verdicts.set(frame.readInt32BE(4), verdict);
      server.write(verdict.isDone ? frame : harmless(frame));
    });
    let isGreeting = true;
    const down = createFrames((frame) => {
      const verdict = isGreeting ? undefined : verdicts.get(frame.readInt32BE(4));
      isGreeting = false;
      // Answers come in the order of their requests: after one that does not come, none does.
      if (verdict && verdict.code === undefined) isMute = true;
      if (!isMute) client.write(verdict?.code === undefined ? frame : refusal(frame, verdict.code));
    });
    client.on('data', up.push);
    server.on('data', down.push);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(one);
      one.setNoDelay(true);
      one.on('error', () => {});
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  }

  const listener = createServer(serve);
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const { port } = listener.address() as { readonly port: number };
  const hostile: HostileZooKeeper = {
    hosts: `127.0.0.1:${port}`,
    judge: undefined,
    get judged() {
      return judged;
    },
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
  return hostile;
}

/** A request is length, number, type and, for these types, the path's length and the path. */
function askedIn(frame: Buffer): Asked | undefined {
  const operation = operations[frame.readInt32BE(8) as keyof typeof operations];
  if (operation === undefined) return undefined;
  return { operation, path: frame.toString('utf8', 16, 16 + frame.readInt32BE(12)) };
}

/** Whether `/` exists, asked under the same number. */
function harmless(frame: Buffer): Buffer {
  const asked = Buffer.alloc(18);
  asked.writeInt32BE(14, 0);
  frame.copy(asked, 4, 4, 8);
  asked.writeInt32BE(3, 8);
  asked.writeInt32BE(1, 12);
  asked.write('/', 16);
  return asked;
}

/** An answer is length, number, transaction and error code. */
function refusal(frame: Buffer, code: number): Buffer {
  const answer = Buffer.alloc(20);
  answer.writeInt32BE(16, 0);
  frame.copy(answer, 4, 4, 16);
  answer.writeInt32BE(code, 16);
  return answer;
}
