import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import type { CopyNews, CopyOrders, Loss } from './service.ts';

/** A process that serves and calls. */
export interface Copy {
  /** The signal or the exit code that ended it. */
  readonly ended: Promise<string>;
  /** Has it call the others. */
  open(): void;
  /** Has it call nobody any more; resolves once the fate of every call is known. */
  rest(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** Counts what all copies sent, over their restarts. */
export interface Counts {
  sent: number;
  answered: number;
  readonly losses: Loss[];
}

const program = fileURLToPath(new URL('service.ts', import.meta.url));

/** Starts a copy in a namespace; resolves once it listens. What it counts is added to `counts` as it comes. */
export async function startCopy(
  orders: CopyOrders,
  prefix: readonly string[],
  counts: Counts,
): Promise<Copy> {
  const node = [process.execPath, '--conditions=source', '--import', 'tsx', program];
  const [command = '', ...args] = [...prefix, ...node, JSON.stringify(orders)];
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close').then(([code, signal]) => `${signal ?? code}`);
  let told = { sent: 0, answered: 0 };
  let rested = () => {};
  const rests = new Promise<void>((resolve) => {
    rested = resolve;
  });
  const listens = new Promise<void>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const news = JSON.parse(line) as CopyNews;
      if ('listens' in news) resolve();
      else if ('rests' in news) rested();
      else if ('lost' in news) counts.losses.push(news.lost);
      else {
        counts.sent += news.sent - told.sent;
        counts.answered += news.answered - told.answered;
        told = news;
      }
    });
    const because = (how: string) =>
      reject(new Error(`cannot start ${orders.name}: it ended (${how})`));
    ended.then(because, reject);
  });
  await listens;
  return {
    ended,
    open: () => void child.stdin.write('\n'),
    rest: () => {
      child.stdin.end();
      return rests;
    },
    kill: (signal) => void child.kill(signal),
  };
}
