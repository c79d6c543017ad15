import { copyFile } from 'node:fs/promises';

import { execa } from 'execa';

import { commandOf, runDaemonOn } from '../../test/support/daemon.ts';
import { copyExample } from '../../test/support/example.ts';
import { freePort } from '../../test/support/ports.ts';
import { createScratch } from '../../test/support/scratch.ts';
import { until } from '../../test/support/until.ts';

type Changes = Readonly<Record<string, string | number>>;

/** synapse on the files of this folder, one after the other, with its proxies. */
export interface Synapse extends AsyncDisposable {
  /** Puts another file in place and has it read; resolves once each service is served by its proxy alone. */
  change(file: string, proxies: Readonly<Record<string, string>>): Promise<void>;
  /** What `synapse status` prints. */
  status(): Promise<string>;
}

/** Starts it on the first file, and resolves once HAProxy serves both services. */
export async function startSynapse(changes: Changes): Promise<Synapse> {
  const scratch = await createScratch();
  const address = `127.0.0.1:${await freePort()}`;
  const lines = [
    `haproxy: {run_directory: ${scratch.path('haproxy')}, stats_address: false, on_exit: stop, restart_interval: 100ms}`,
    `envoy: {binary: ${process.env.ENVOY ?? 'envoy'}, run_directory: ${scratch.path('envoy')}, on_exit: stop}`,
    `status_address: ${address}`,
  ];
  const inUse = scratch.path('in-use.yaml');

  async function place(file: string): Promise<void> {
    await copyFile(await copyExample(`examples/to-envoy/${file}`, scratch, changes, lines), inUse);
  }

  async function servedBy(): Promise<Readonly<Record<string, string>>> {
    const { proxies } = (await (await fetch(`http://${address}/status`)).json()) as Status;
    const served = Object.entries(proxies).flatMap(([proxy, { services = {} }]) =>
      Object.keys(services).map((service) => [service, proxy] as const),
    );
    // Two at a time are none yet: the first one has not let go.
    return served.length === new Set(served.map(([service]) => service)).size
      ? Object.fromEntries(served)
      : {};
  }

  const arrive = async (proxies: Readonly<Record<string, string>>) => {
    await until(async () => {
      const served = await servedBy();
      return Object.entries(proxies).every(([service, proxy]) => served[service] === proxy);
    });
  };

  await place('synapse-1-haproxy.yaml');
  const daemon = runDaemonOn('synapse', inUse);
  await until(async () => (await fetch(`http://${address}/ready`)).ok);
  await arrive({ web: 'haproxy', search: 'haproxy' });
  return {
    async change(file, proxies) {
      await place(file);
      daemon.kill('SIGHUP');
      await arrive(proxies);
    },
    async status() {
      const { stdout } = await execa(commandOf('synapse'), ['status', '--address', address]);
      return stdout;
    },
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

interface Status {
  readonly proxies: Readonly<
    Record<string, { readonly services?: Readonly<Record<string, unknown>> }>
  >;
}
