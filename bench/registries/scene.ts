import { Agent, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { startDaemon } from '../../test/support/daemon.ts';
import { freePort } from '../../test/support/ports.ts';
import { type Relay, startRelay } from '../../test/support/relay.ts';
import { createScratch } from '../../test/support/scratch.ts';
import { openStatsSocket, type StatsSocket } from '../../test/support/stats-socket.ts';
import { until } from '../../test/support/until.ts';
import { installed } from '../installed.ts';
import type { Contestant } from './contestant.ts';

/** A synapse that follows one service in a registry, over a relay that counts, beside a HAProxy section for the floor. */
export interface Scene extends AsyncDisposable {
  readonly pid: number;
  /** Undefined for a registry that has no server. */
  readonly relay: Relay | undefined;
  readonly socket: StatsSocket;
  /** The port of the server that all members are. */
  readonly member: number;
  /** Whether the service, or the floor's section, answers now. */
  answers(which: 'ours' | 'floor'): Promise<boolean>;
}

export async function startScene(contestant: Contestant): Promise<Scene> {
  const parts: AsyncDisposable[] = [];
  const own = <T extends AsyncDisposable>(part: T): T => {
    parts.unshift(part);
    return part;
  };
  const scratch = own(await createScratch());
  const relay = contestant.port > 0 ? own(await startRelay(contestant.port)) : undefined;
  const server = createServer((_, response) => response.end('ok'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const agent = new Agent({ keepAlive: true });
  const ports = { ours: await freePort(), floor: await freePort() };
  const { top, discovery } = contestant.config(relay?.port ?? 0);
  const config = {
    ...top,
    status_address: false,
    shrink_guard: false,
    haproxy: {
      stats_address: false,
      run_directory: scratch.path('run'),
      on_exit: 'stop',
      extra_sections: {
        'listen floor': [`bind 127.0.0.1:${ports.floor}`, 'mode http', 'retries 0'],
      },
    },
    services: {
      ours: {
        use_previous_backends: false,
        discovery,
        haproxy: { port: ports.ours, listen: ['mode http', 'retries 0'] },
      },
    },
  };
  const daemon = own(
    await startDaemon('synapse', config, scratch.directory, {
      command: await installed('synapse', scratch.path('installed')),
    }),
  );
  const socket = own(await until(() => openStatsSocket(scratch.path('run', 'haproxy.sock'))));
  return {
    pid: daemon.pid,
    relay,
    socket,
    member: (server.address() as AddressInfo).port,
    answers: (which) => isAnswered(ports[which], agent),
    [Symbol.asyncDispose]: async () => {
      agent.destroy();
      server.closeAllConnections();
      server.close();
      for (const part of parts) await part[Symbol.asyncDispose]();
    },
  };
}

function isAnswered(port: number, agent: Agent): Promise<boolean> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode === 200));
    }).on('error', () => resolve(false));
  });
}

/** Asks again and again, without leaving synapse no processor. */
export async function untilAnswered(
  scene: Scene,
  which: 'ours' | 'floor',
  expected = true,
): Promise<void> {
  while ((await scene.answers(which)) !== expected) await sleep(0);
}
