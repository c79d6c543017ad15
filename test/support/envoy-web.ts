import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import type { ManagedEnvoy } from '../../packages/envoy/src/process/managed.ts';
import type { EnvoyOptions } from '../../packages/envoy/src/process/options.ts';
import { serveEnvoys } from './envoy-served.ts';
import { createEnvoyRun, type EnvoyRun } from './managed-envoy.ts';
import { freePort } from './ports.ts';
import { plainRequests, type Requests } from './traffic.ts';
import { until } from './until.ts';

const { signal } = new AbortController();

/** An Envoy that serves one service of two members, from the xDS server in this process. */
export async function serveWeb() {
  const parts: AsyncDisposable[] = [];
  const use = <T extends AsyncDisposable>(part: T) => {
    parts.unshift(part);
    return part;
  };
  const run = use(await createEnvoyRun());
  await mkdir(run.options.directory);
  const ports = await Promise.all([1, 2].map(async () => use(await startMember()).port));
  const port = await freePort();
  const members = ports.map((each) => ({ host: '127.0.0.1', port: each }));
  const serve = async () => {
    const served = use(await serveEnvoys(run.options.xds));
    served.serve({ web: { port, members } });
    return served;
  };
  return {
    run,
    port,
    serve,
    served: await serve(),
    own: (more: Partial<EnvoyOptions> = {}) => use(run.own(more)),
    [Symbol.asyncDispose]: async () => {
      for (const part of parts) await part[Symbol.asyncDispose]();
    },
  };
}

async function startMember() {
  const server = createServer((_, response) => void sleep(20).then(() => response.end('here')));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A program whose hot restarts are of another kind than those of the one that runs. */
export async function withoutHotRestarts(run: EnvoyRun): Promise<string> {
  const program = run.path('other-envoy');
  const script = `#!/bin/sh\ncase "$1" in --hot-restart-version) echo 0.0;; *) exec "${run.options.binary}" "$@";; esac\n`;
  await writeFile(program, script, { mode: 0o755 });
  return program;
}

/** Requests that wait for a busy machine. */
export const patient: Requests = { ...plainRequests, patience: 30_000 };

export const pidOf = (envoy: ManagedEnvoy) => envoy.status().pid ?? 0;

/** Waits until it serves. */
export async function live(envoy: ManagedEnvoy): Promise<void> {
  await until(async () => {
    await envoy.ensure(signal);
    return envoy.status().state === 'LIVE';
  });
}
