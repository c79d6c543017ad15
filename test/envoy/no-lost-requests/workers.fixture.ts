import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import type { LoadNews, LoadOrder, Sent } from './load.ts';
import type { Counted, MembersAnswer, MembersOrder } from './members.ts';
import type { Each } from './protocols.ts';

/** Processes of their own, so that what sends requests, what answers them and the test keep nobody waiting. */
const start = (file: string): ChildProcess =>
  fork(fileURLToPath(new URL(file, import.meta.url)), {
    execArgv: ['--conditions=source', '--import', 'tsx'],
  });

async function stop(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null) return;
  const ended = once(worker, 'exit');
  worker.kill('SIGKILL');
  await ended;
}

/** Members of every service: each name is a server of each protocol. */
export interface Members extends AsyncDisposable {
  /** The ports of a new one. */
  open(name: string): Promise<Each<number>>;
  /** Ends one as a good service does: it finishes what it is answering. */
  close(name: string): Promise<void>;
  /** The requests that came since the last call. */
  count(): Promise<Each<Counted>>;
}

export function startMembers(): Members {
  const worker = start('./members.ts');
  let queue: Promise<unknown> = Promise.resolve();
  const ask = <T extends MembersAnswer>(order: MembersOrder): Promise<T> => {
    const answer = queue.then(async () => {
      const reply = once(worker, 'message') as Promise<[T]>;
      worker.send(order);
      return (await reply)[0];
    });
    queue = answer;
    return answer;
  };
  return {
    open: (name) => ask({ open: name }),
    close: async (name) => {
      await ask({ close: name });
    },
    count: () => ask({ count: true }),
    [Symbol.asyncDispose]: () => stop(worker),
  };
}

/** Requests of every protocol, until told to end or disposed of. */
export interface Load extends AsyncDisposable {
  /** Whether as many of each were sent as were asked for. */
  readonly isEnough: boolean;
  /** Ends it; resolves once each request's fate is known. */
  end(): Promise<Each<Sent>>;
}

export interface Sender extends AsyncDisposable {
  start(order: Exclude<LoadOrder, 'end'>): Load;
}

export function startSender(): Sender {
  const worker = start('./load.ts');
  return {
    start: (order) => {
      let isEnough = false;
      const report = new Promise<Each<Sent>>((resolve) => {
        const hear = (news: LoadNews) => {
          if (news === 'enough') {
            isEnough = true;
            return;
          }
          worker.off('message', hear);
          resolve(news);
        };
        worker.on('message', hear);
      });
      worker.send(order);
      const end = () => {
        worker.send('end' satisfies LoadOrder);
        return report;
      };
      return {
        get isEnough() {
          return isEnough;
        },
        end,
        [Symbol.asyncDispose]: async () => {
          await end();
        },
      };
    },
    [Symbol.asyncDispose]: () => stop(worker),
  };
}
