import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import type { ClientOrder, ClientReport } from './client.ts';
import type { ServerOrder } from './servers.ts';

const start = (file: string, ...args: readonly string[]): ChildProcess =>
  fork(fileURLToPath(new URL(file, import.meta.url)), args, {
    execArgv: ['--conditions=source', '--import', 'tsx'],
  });

async function stop(worker: ChildProcess): Promise<void> {
  const ended = once(worker, 'exit');
  worker.kill();
  await ended;
}

/** Traffic until told to end. */
export interface Client {
  end(): Promise<ClientReport>;
}

export function startClient(order: ClientOrder): Client {
  const worker = start('./client.ts', JSON.stringify(order));
  return {
    end: async () => {
      const report = once(worker, 'message') as Promise<[ClientReport]>;
      worker.send('end');
      const [answer] = await report;
      await stop(worker);
      return answer;
    },
  };
}

/** Services' copies on free ports. */
export interface Servers extends AsyncDisposable {
  open(): Promise<number>;
  close(port: number): Promise<void>;
}

export function startServers(): Servers {
  const worker = start('./servers.ts');
  let queue: Promise<unknown> = Promise.resolve();
  const ask = (order: ServerOrder) => {
    const answer = queue.then(async () => {
      const reply = once(worker, 'message') as Promise<[number]>;
      worker.send(order);
      return (await reply)[0];
    });
    queue = answer;
    return answer;
  };
  return {
    open: () => ask({ open: true }),
    close: async (port) => {
      await ask({ close: port });
    },
    [Symbol.asyncDispose]: async () => {
      await stop(worker);
    },
  };
}
