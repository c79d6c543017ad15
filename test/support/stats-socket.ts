import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';

/** Someone to ask for HAProxy's actual state: one command of its stats socket, the whole answer. */
export interface Oracle {
  ask(command: string): Promise<string>;
}

/** Asks over a new connection each time, and so whichever worker listens now. Rejects when none does. */
export function oracleAt(path: string): Oracle {
  const ask = async (command: string) => {
    const socket = createConnection(path);
    socket.setEncoding('utf8');
    socket.setTimeout(2000, () => socket.destroy(new Error('no answer in 2000 ms')));
    socket.end(`${command}\n`);
    let answer = '';
    for await (const part of socket) answer += part;
    return answer.trim();
  };
  return { ask };
}

/** One persistent conversation with the worker that listened when it was opened, for benches. */
export interface StatsSocket extends Oracle, AsyncDisposable {}

/** Opens it in HAProxy's `prompt` mode, in which every answer ends with a prompt. A closed one rejects. */
export async function openStatsSocket(path: string): Promise<StatsSocket> {
  const socket = createConnection(path);
  socket.setEncoding('utf8');
  await once(socket, 'connect');
  let received = '';
  let answered: (() => void) | undefined;
  socket.on('data', (part: string) => {
    received += part;
    if (received.endsWith('\n> ')) answered?.();
  });
  const ask = (command: string) =>
    new Promise<string>((resolve, reject) => {
      const closed = () =>
        reject(new Error(`cannot ask HAProxy at ${path} for ${command}: connection closed`));
      if (socket.closed || socket.readableEnded) return closed();
      socket.once('close', closed);
      answered = () => {
        socket.off('close', closed);
        const text = received.slice(0, -'\n> '.length);
        received = '';
        resolve(text.trim());
      };
      socket.write(`${command}\n`);
    });
  await ask('prompt');
  await ask('set timeout cli 1h'); // HAProxy's own 10 s would end it while a test or a bench waits
  return {
    ask,
    [Symbol.asyncDispose]: async () => {
      const closed = once(socket, 'close');
      socket.end('quit\n');
      await closed;
    },
  };
}

/** How many connections to a HAProxy at a UNIX socket stand. It binds another name, and moves it there. */
export async function clientsOf(path: string): Promise<number> {
  const sockets = (await readFile('/proc/net/unix', 'utf8')).split('\n');
  return sockets.filter((line) => line.includes(` ${path}`) && / 0001 03 /.test(line)).length;
}

/** One server as HAProxy holds it; the columns are those of `show servers state`, version 1. */
export interface ServerState {
  readonly backend: string;
  readonly name: string;
  readonly port: number;
  /** Up, and neither drained nor in maintenance. */
  readonly inRotation: boolean;
  /** Drained or in maintenance: on its way out. */
  readonly leaving: boolean;
  readonly host: string;
  /** As it is now, from 0 to 256. */
  readonly weight: number;
}

/** The servers of one backend, or of all. */
export async function serversOf({ ask }: Oracle, backend = ''): Promise<readonly ServerState[]> {
  const answer = await ask(`show servers state ${backend}`.trim());
  const rows = answer.split('\n').filter((line) => /^\d+ /.test(line));
  return rows.map((row) => {
    const fields = row.split(' ');
    return {
      backend: fields[1] ?? '',
      name: fields[3] ?? '',
      host: fields[4] ?? '',
      port: Number(fields[18]),
      inRotation: fields[5] === '2' && fields[6] === '0',
      leaving: fields[6] !== '0',
      weight: Number(fields[7]),
    };
  });
}

/** What changes when a worker was reloaded: its process id. */
export async function workerOf({ ask }: Oracle): Promise<number> {
  return Number(/^Pid: (\d+)$/m.exec(await ask('show info'))?.[1]);
}
