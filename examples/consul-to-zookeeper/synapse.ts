import { copyFile } from 'node:fs/promises';

import { execa } from 'execa';

import { commandOf, runDaemonOn } from '../../test/support/daemon.ts';
import { copyExample } from '../../test/support/example.ts';
import { freePort } from '../../test/support/ports.ts';
import { createScratch } from '../../test/support/scratch.ts';
import {
  oracleAt,
  type ServerState,
  serversOf,
  workerOf,
} from '../../test/support/stats-socket.ts';
import { until } from '../../test/support/until.ts';

type Changes = Readonly<Record<string, string | number>>;

/** synapse on the files of this folder, one after the other, and its HAProxy. */
export interface Synapse extends AsyncDisposable {
  /** Puts another of the files in its place and has it read; resolves once synapse uses it. */
  change(file: string, changes?: Changes): Promise<void>;
  /** Resolves once so many members get requests. */
  serves(members: number): Promise<void>;
  /** Resolves once HAProxy gives these ports so much of the traffic, in percent. */
  gives(ports: ReadonlySet<number>, percent: number): Promise<void>;
  /** What `synapse compare web` prints, and its exit code. */
  compare(): Promise<{ readonly stdout: string; readonly exitCode?: number }>;
  worker(): Promise<number>;
}

export async function startSynapse(first: string, changes: Changes): Promise<Synapse> {
  const scratch = await createScratch();
  const status = `127.0.0.1:${await freePort()}`;
  const lines = [
    `haproxy: {run_directory: ${scratch.path('run')}, stats_address: false, on_exit: stop}`,
    `status_address: ${status}`,
  ];
  const place = (file: string, more: Changes = {}) =>
    copyExample(`examples/consul-to-zookeeper/${file}`, scratch, { ...changes, ...more }, lines);
  const inUse = scratch.path('synapse.yaml');
  await copyFile(await place(first), inUse);
  const daemon = runDaemonOn('synapse', inUse);
  const haproxy = oracleAt(scratch.path('run', 'haproxy.sock'));
  const used = async () => (await serversOf(haproxy, 'web')).filter(({ inRotation }) => inRotation);
  return {
    async change(file, more) {
      await copyFile(await place(file, more), inUse);
      const known = daemon.log.length;
      daemon.kill('SIGHUP');
      await until(() =>
        daemon.log.slice(known).some(({ msg }) => msg === 'configuration read again'),
      );
    },
    serves: async (members) => {
      await until(async () => (await used()).length === members);
    },
    gives: async (ports, percent) => {
      await until(async () => {
        const servers = await used();
        const all = weightOf(servers);
        const part = weightOf(servers.filter(({ port }) => ports.has(port))) / all;
        return Math.abs(part * 100 - percent) < 1;
      });
    },
    compare: () =>
      execa(commandOf('synapse'), ['compare', 'web', '--address', status], { reject: false }),
    worker: () => workerOf(haproxy),
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

const weightOf = (servers: readonly ServerState[]) =>
  servers.reduce((all, { weight }) => all + weight, 0);
