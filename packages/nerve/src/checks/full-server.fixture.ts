import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { closedPort, type TestServer } from './server.fixture.ts';

const program = `
  require('node:net').createServer().listen(
    { host: '127.0.0.1', port: Number(process.argv[1]), backlog: 1 },
    () => console.log('ready'),
  );`;

/** A server that is stopped and whose queue of connections is full: a further one gets no answer at all. */
export async function fullServer(): Promise<Omit<TestServer, 'accepted'>> {
  const host = '127.0.0.1';
  const port = await closedPort();
  const child = spawn(process.execPath, ['-e', program, String(port)]);
  await once(child.stdout, 'data');
  child.kill('SIGSTOP');
  const sockets: Socket[] = [];
  do sockets.push(connect({ host, port }).on('error', () => {}));
  while (await connected(sockets.at(-1)));
  return {
    host,
    port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

/** Whether a connection is accepted within 200 ms; one that fits into the queue is within 1 ms. */
function connected(socket: Socket | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), 200);
    socket?.once('connect', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
