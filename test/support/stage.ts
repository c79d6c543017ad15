import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type Daemon, startDaemon } from './daemon.ts';
import { freePort } from './ports.ts';
import { createScratch, type Scratch } from './scratch.ts';
import { type Oracle, oracleAt, serversOf } from './stats-socket.ts';
import { until } from './until.ts';

/** Where instances are announced: the top-level section of both daemons' files. */
export type RegistrySection =
  | { readonly zookeeper: { readonly hosts: readonly string[]; readonly [key: string]: unknown } }
  | { readonly registry: { readonly type: 'file'; readonly directory: string } };

/** What a service's two sections name it by, in the registry's own words. */
const pathKeys = (section: RegistrySection, path: string) =>
  'zookeeper' in section
    ? { nerve: { zk_path: path }, discovery: { method: 'zookeeper', path } }
    : { nerve: { path }, discovery: { method: 'file', path } };

/** One machine of a test: a folder with both daemons' files, HAProxy's run directory, and a service `web`. */
export interface Stage extends AsyncDisposable {
  readonly scratch: Scratch;
  /** Where apps reach `web`. */
  readonly port: number;
  /** Starts nerve for copies of `web`, each checked over HTTP. */
  nerve(copies: readonly Checked[]): Promise<Daemon>;
  /** Starts synapse for `web` and the services given beside it. */
  synapse(others?: Readonly<Record<string, object>>): Promise<Daemon>;
  /** HAProxy's actual state. */
  readonly haproxy: Oracle;
  /** The ports of `web`'s servers in rotation. */
  rotation(): Promise<readonly number[]>;
}

export interface Checked {
  readonly name: string;
  readonly port: number;
}

/** A stage whose `web` is registered under a path, and whose synapse runs this HAProxy. */
export async function createStage(
  section: RegistrySection,
  path = '/services/web',
  binary = 'haproxy',
): Promise<Stage> {
  const scratch = await createScratch();
  const port = await freePort();
  const keys = pathKeys(section, path);
  const daemons: Daemon[] = [];
  const haproxy = oracleAt(scratch.path('run', 'haproxy.sock'));

  const start = async (name: 'nerve' | 'synapse', config: object) => {
    const daemon = await startDaemon(name, { ...section, ...config }, scratch.directory);
    daemons.push(daemon);
    return daemon;
  };
  return {
    scratch,
    port,
    nerve: (copies) =>
      start('nerve', {
        instance_id: 'vm-1',
        services: Object.fromEntries(
          copies.map((copy) => [
            copy.name,
            {
              host: '127.0.0.1',
              port: copy.port,
              check_interval: 0.05,
              checks: [{ type: 'http', uri: '/health', timeout: 5, open_timeout: 5 }],
              ...keys.nerve,
            },
          ]),
        ),
      }),
    synapse: (others = {}) =>
      start('synapse', {
        status_address: false,
        haproxy: {
          binary,
          run_directory: scratch.path('run'),
          stats_address: false,
          audit_interval: 2,
        },
        services: {
          web: {
            use_previous_backends: false,
            discovery: keys.discovery,
            haproxy: { port, listen: ['mode http'] },
          },
          ...others,
        },
      }),
    haproxy,
    rotation: async () => {
      const servers = await serversOf(haproxy, 'web');
      return servers.filter(({ inRotation }) => inRotation).map((server) => server.port);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(daemons.map((daemon) => daemon[Symbol.asyncDispose]()));
      await stopHaproxy(scratch.path('run'));
      await scratch[Symbol.asyncDispose]();
    },
  };
}

/** Ends the HAProxy that outlived its synapse, by the pid that it wrote. */
export async function stopHaproxy(runDirectory: string): Promise<void> {
  const pid = Number(await readFile(join(runDirectory, 'haproxy.pid'), 'utf8').catch(() => ''));
  if (pid === 0 || !isAlive(pid)) return;
  process.kill(pid, 'SIGTERM');
  await until(() => !isAlive(pid));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
