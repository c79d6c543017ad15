import { once } from 'node:events';

import { execa } from 'execa';

import { type Daemon, startDaemon } from '../../test/support/daemon.ts';
import { freePort } from '../../test/support/ports.ts';
import { createScratch } from '../../test/support/scratch.ts';
import { stopHaproxy } from '../../test/support/stage.ts';
import { oracleAt, serversOf, workerOf } from '../../test/support/stats-socket.ts';
import { startZooKeeper, type ZooKeeper } from '../../test/support/zookeeper.ts';

/** A copy of the example service in a process of its own. */
export interface Copy {
  readonly name: string;
  readonly port: number;
  signal(name: NodeJS.Signals): void;
  start(): Promise<void>;
}

/** One machine of the quickstart: its two files' settings, three copies of `web`, a ZooKeeper. */
export interface Scene extends AsyncDisposable {
  readonly port: number;
  readonly copies: readonly Copy[];
  readonly zookeeper: ZooKeeper;
  /** Starts nerve; with fewer copies it announces those only. */
  nerve(copies?: readonly Copy[], instance?: string): Promise<Daemon>;
  synapse(extra?: Readonly<Record<string, object>>): Promise<Daemon>;
  /** The ports of the servers that get requests, as HAProxy says. */
  rotation(): Promise<readonly number[]>;
  /** The pid of HAProxy's worker. */
  worker(): Promise<number>;
  path(...parts: string[]): string;
}

export async function createScene(): Promise<Scene> {
  const scratch = await createScratch();
  const zookeeper = await startZooKeeper();
  const port = await freePort();
  const copies = await Promise.all(['web-1', 'web-2', 'web-3'].map(createCopy));
  await Promise.all(copies.map((copy) => copy.start()));
  const haproxy = oracleAt(scratch.path('run', 'haproxy.sock'));
  const shared = { zookeeper: { hosts: [zookeeper.hosts] }, status_address: false };
  const daemons: Daemon[] = [];
  const start = async (name: 'nerve' | 'synapse', config: object, directory = '') => {
    const daemon = await startDaemon(name, { ...shared, ...config }, scratch.path(directory));
    daemons.push(daemon);
    return daemon;
  };
  return {
    port,
    copies,
    zookeeper,
    nerve: (which = copies, instance = 'vm-1') =>
      start('nerve', {
        instance_id: instance,
        state_directory: scratch.path('state', instance),
        services: Object.fromEntries(which.map((copy) => [copy.name, announced(copy)])),
      }),
    synapse: (extra = {}) =>
      start('synapse', {
        haproxy: { run_directory: scratch.path('run'), stats_address: false },
        services: { web: followed(port), ...extra },
      }),
    rotation: async () =>
      (await serversOf(haproxy, 'web'))
        .filter(({ inRotation }) => inRotation)
        .map((server) => server.port)
        .sort(),
    worker: () => workerOf(haproxy),
    path: scratch.path,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(daemons.map((daemon) => daemon[Symbol.asyncDispose]()));
      await stopHaproxy(scratch.path('run'));
      for (const copy of copies) copy.signal('SIGKILL');
      await zookeeper[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

/** As in the quickstart's nerve.yaml. */
const announced = ({ port }: Copy) => ({
  host: '127.0.0.1',
  port,
  zk_path: '/services/web',
  check_interval: 0.5,
  checks: [{ type: 'http', uri: '/health', timeout: 0.2, rise: 2, fall: 2 }],
});

/** As in the quickstart's synapse.yaml. */
export const followed = (port: number) => ({
  discovery: { method: 'zookeeper', path: '/services/web' },
  haproxy: {
    port,
    server_options: 'check inter 2s fall 3 rise 2',
    listen: ['mode http', 'option httpchk GET /health'],
  },
});

async function createCopy(name: string): Promise<Copy> {
  const port = await freePort();
  const service = 'examples/http-service/service.js';
  let child: ReturnType<typeof run> | undefined;
  const run = () =>
    execa(process.execPath, [service, '--name', name, '--port', `${port}`, '--drain', '5000'], {
      reject: false,
    });
  return {
    name,
    port,
    signal: (signal) => void child?.kill(signal),
    async start() {
      child = run();
      await once(child.stdout, 'data');
    },
  };
}
