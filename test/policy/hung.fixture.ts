import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { execa } from 'execa';

import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import type { Member } from './world.fixture.ts';

/** A member whose machine does not answer: connections to it neither come about nor are refused. */
export async function startUnreachable(name: string): Promise<Member> {
  const port = await freePort();
  const code = `require('net').createServer().listen({host:'127.0.0.1',port:${port},backlog:1},()=>console.log('listening'))`;
  const child = execa(process.execPath, ['-e', code], { reject: false, buffer: false });
  await once(child.stdout, 'data');
  child.kill('SIGSTOP');
  // Linux takes connections for it until its queue is full.
  const queued: Socket[] = [];
  await until(async () => {
    const socket = createConnection(port, '127.0.0.1');
    queued.push(socket.on('error', () => {}));
    return Promise.race([once(socket, 'connect').then(() => false), sleep(300, true)]);
  });
  return {
    name,
    port,
    seen: [],
    behave: () => {},
    entry: { name, host: '127.0.0.1', port },
    [Symbol.asyncDispose]: async () => {
      for (const socket of queued) socket.destroy();
      child.kill('SIGKILL');
      await child;
    },
  };
}

/** A member that nobody listens for. */
export async function refusing(name: string): Promise<Member> {
  const port = await freePort();
  return {
    name,
    port,
    seen: [],
    behave: () => {},
    entry: { name, host: '127.0.0.1', port },
    [Symbol.asyncDispose]: async () => {},
  };
}
