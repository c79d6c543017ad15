import { connect, type Socket } from 'node:net';

/** What the client is to do; it runs in a process of its own so that nothing here slows it down. */
export interface ClientOrder {
  readonly port: number;
  /** Connections at the same time, each with one request after the other. */
  readonly connections: number;
  /** Requests on one connection before the next: 1 is a new connection each. */
  readonly perConnection: number;
  /** Requests a second over all connections, at most. */
  readonly rate: number;
  /** Requests before an end is heard. */
  readonly atLeast: number;
}

export interface ClientReport {
  readonly sent: number;
  readonly failed: number;
  readonly reasons: readonly (readonly [reason: string, count: number])[];
}

const order = JSON.parse(process.argv[2] ?? '') as ClientOrder;
let wasTold = false;
let sent = 0;
let failed = 0;
const reasons = new Map<string, number>();
process.once('message', () => {
  wasTold = true;
});

await Promise.all(Array.from({ length: order.connections }, work));
process.send?.({ sent, failed, reasons: [...reasons] } satisfies ClientReport);

function isOver(): boolean {
  return wasTold && sent >= order.atLeast;
}

/** One connection after the other until told to end. */
async function work(): Promise<void> {
  const pause = (1_000 * order.connections) / order.rate;
  let next = performance.now() + Math.random() * pause;
  while (!isOver()) {
    const wait = next - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    next = Math.max(next + pause * order.perConnection, performance.now() - 100);
    await converse(pause);
  }
}

/** One connection's requests; a lost one ends it. */
async function converse(pause: number): Promise<void> {
  const socket = connect(order.port, '127.0.0.1');
  socket.setNoDelay();
  try {
    for (let request = 1; request <= order.perConnection && !isOver(); request++) {
      const isLast = request === order.perConnection;
      sent += 1;
      const hasMore = await ask(socket, isLast);
      if (!hasMore) return;
      if (!isLast && pause > 2) await new Promise((resolve) => setTimeout(resolve, pause));
    }
  } catch (error) {
    failed += 1;
    const reason = error instanceof Error ? error.message : String(error);
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  } finally {
    socket.destroy();
  }
}

/** One request; whether the server keeps the connection open. */
function ask(socket: Socket, isLast: boolean): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => settle(new Error('no answer in 5 s')), 5_000);
    const onData = (piece: Buffer) => {
      text += piece.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      if (!text.startsWith('HTTP/1.1 200')) settle(new Error(text.slice(0, text.indexOf('\r'))));
      else settle(undefined, !/connection: close/i.test(text.slice(0, end)));
    };
    const onEnd = () => settle(new Error('closed before the answer'));
    const settle = (error?: Error, hasMore = false) => {
      clearTimeout(timer);
      socket.off('data', onData).off('error', settle).off('end', onEnd);
      if (error) reject(error);
      else resolve(hasMore);
    };
    socket.on('data', onData).on('error', settle).on('end', onEnd);
    const connection = isLast ? 'close' : 'keep-alive';
    socket.write(`GET / HTTP/1.1\r\nhost: bench\r\nconnection: ${connection}\r\n\r\n`);
  });
}
