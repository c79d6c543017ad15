import { readdir, readFile } from 'node:fs/promises';

import { createMetrics, silentLog } from '@smartstack/daemon';
import { createRegistries, type Registries } from '@smartstack/registry';
import { execa } from 'execa';

import { startServer } from '../../servers/server.ts';
import { type Copy, startCopy } from '../../support/copies.ts';
import { commandOf, type Daemon, startDaemon } from '../../support/daemon.ts';
import { freePort } from '../../support/ports.ts';
import { createScratch, type Scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

export const startEtcd = () =>
  startServer({
    command: ({ directory, port, otherPort }) => [
      'etcd',
      `--data-dir=${directory}/data`,
      `--listen-client-urls=http://127.0.0.1:${port}`,
      `--advertise-client-urls=http://127.0.0.1:${port}`,
      `--listen-peer-urls=http://127.0.0.1:${otherPort}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${otherPort}`,
      `--initial-cluster=default=http://127.0.0.1:${otherPort}`,
    ],
    // Debian builds it for no other machine than it is tested on.
    env: () => ({ ETCD_UNSUPPORTED_ARCH: process.arch }),
  });

export interface Answer {
  readonly all: string;
  readonly exitCode?: number | undefined;
}

/** The registries of a machine's service, as its status calls them. */
export type RegistryName = 'zookeeper' | 'etcd' | 'consul' | 'file';

/** A machine with one service that is announced in each registry at a path of its own. */
export interface Machine extends AsyncDisposable {
  readonly scratch: Scratch;
  readonly copy: Copy;
  readonly path: string;
  /** Starts nerve, which is stopped at the end. */
  start(): Promise<Daemon>;
  /** Runs a command of nerve's. */
  nerve(...args: readonly string[]): Promise<Answer>;
  /** The HTTP status of /ready. */
  ready(): Promise<number | undefined>;
  /** The weights that are announced in a registry, read there and not from nerve. */
  weights(registry: RegistryName): Promise<readonly unknown[]>;
}

let count = 0;

export async function createMachine(
  ports: { readonly zookeeper: number; readonly etcd: number; readonly consul: number },
  read: { zookeeper(path: string): Promise<readonly Buffer[]> },
): Promise<Machine> {
  const scratch = await createScratch();
  const copy = await startCopy('web');
  const status = await freePort();
  const name = `web-${count++}`;
  const path = `/services/${name}`;
  const daemons: Daemon[] = [];
  const consul = `http://127.0.0.1:${ports.consul}`;
  const config = {
    instance_id: 'vm-1',
    status_address: `127.0.0.1:${status}`,
    zookeeper: { hosts: [`127.0.0.1:${ports.zookeeper}`], session_timeout: 8 },
    registry: { type: 'file', directory: scratch.path('registry') },
    services: {
      web: {
        host: '127.0.0.1',
        port: copy.port,
        check_interval: 0.2,
        weight: 1,
        checks: [{ type: 'http', uri: '/health', timeout: 5 }],
        reporters: [
          { type: 'zookeeper', zk_path: path },
          { type: 'etcd', etcd_endpoints: [`http://127.0.0.1:${ports.etcd}`], etcd_path: path },
          { type: 'consul', consul_url: consul, consul_service: name },
          { type: 'file', path },
        ],
      },
    },
  };
  const weightOf = (record: string | Buffer) =>
    (JSON.parse(record.toString()) as { weight: unknown }).weight;
  const weights: Machine['weights'] = async (registry) => {
    if (registry === 'zookeeper') return (await read.zookeeper(path)).map(weightOf);
    if (registry === 'etcd') return (await etcdRecords(ports.etcd, path)).map(weightOf);
    if (registry === 'consul') return consulWeights(consul, name);
    const folder = scratch.path('registry', path);
    const files = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json'));
    return Promise.all(files.map(async (name) => weightOf(await readFile(`${folder}/${name}`))));
  };
  return {
    scratch,
    copy,
    path,
    weights,
    start: async () => {
      const daemon = await startDaemon('nerve', config, scratch.directory);
      daemons.push(daemon);
      return daemon;
    },
    nerve: (...args) =>
      execa(process.execPath, [commandOf('nerve'), '-c', scratch.path('nerve.yaml'), ...args], {
        reject: false,
        all: true,
      }),
    ready: async () =>
      (await fetch(`http://127.0.0.1:${status}/ready`).catch(() => undefined))?.status,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(daemons.map((daemon) => daemon[Symbol.asyncDispose]()));
      await copy[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

async function consulWeights(url: string, service: string): Promise<readonly number[]> {
  const signal = AbortSignal.timeout(2_000);
  const response = await fetch(`${url}/v1/health/service/${service}?passing`, { signal });
  const found = (await response.json()) as { Service: { Weights: { Passing: number } } }[];
  return found.map(({ Service }) => Service.Weights.Passing);
}

async function etcdRecords(port: number, path: string): Promise<readonly Buffer[]> {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const response = await fetch(`http://127.0.0.1:${port}/v3/kv/range`, {
    method: 'POST',
    body: JSON.stringify({ key: base64(`${path}/`), range_end: base64(`${path}0`) }),
    signal: AbortSignal.timeout(2_000),
  });
  const { kvs = [] } = (await response.json()) as { kvs?: { value: string }[] };
  return kvs.map(({ value }) => Buffer.from(value, 'base64'));
}

/** The numbers of instances that a watcher of a registry was told, from its first list on. */
export async function watchNumbers(
  open: (registries: Registries) => ReturnType<Registries['open']>,
  path: string,
): Promise<AsyncDisposable & { readonly numbers: readonly number[] }> {
  const registries = createRegistries({ log: silentLog, metrics: createMetrics() });
  const ended = new AbortController();
  const numbers: number[] = [];
  const watching = (async () => {
    for await (const list of open(registries).watch(path, ended.signal)) numbers.push(list.length);
  })();
  await until(() => numbers.length > 0);
  return {
    numbers,
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await watching;
      await registries[Symbol.asyncDispose]();
    },
  };
}
