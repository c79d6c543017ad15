import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { createRun, drive, service, snapshotOf } from '../support/haproxy.ts';
import { freePort } from '../support/ports.ts';
import { openStatsSocket, serversOf } from '../support/stats-socket.ts';
import { until } from '../support/until.ts';

/** A server that sends back what it gets. */
async function startEcho() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function echoed(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [answer] = await once(socket, 'data');
  return String(answer);
}

test('a member that leaves finishes a TCP connection, though one that is marked down would be cut', async () => {
  await using run = await createRun();
  await using echo = await startEcho();
  await using driven = drive(run.config);
  const port = await freePort();
  const section = {
    port,
    listen: ['mode tcp'],
    server_options: 'on-marked-down shutdown-sessions',
    drain_timeout: '1m',
  };
  const web = (...ports: readonly number[]) =>
    snapshotOf(
      service(
        'web',
        section,
        ports.map((each) => ({ host: '127.0.0.1', port: each })),
      ),
    );
  await driven.apply(web(echo.port));
  const socket = connect(port, '127.0.0.1');
  expect(await echoed(socket, 'before')).toBe('before');
  await driven.apply(web());
  await using stats = await openStatsSocket(run.socket);
  // It is looked at again and again whether it may go.
  for (let round = 0; round < 40; round++) {
    await driven.step(web());
    expect(await serversOf(stats, 'web')).toMatchObject([{ inRotation: false }]);
    expect(await stats.ask('show stat web 4 -1')).not.toContain('MAINT');
    await sleep(25);
  }
  expect(await echoed(socket, 'after')).toBe('after');
  socket.destroy();
  await until(async () => (await serversOf(stats, 'web')).length === 0);
});
