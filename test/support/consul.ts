import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import { execa } from 'execa';

import { freePort } from './ports.ts';
import { until } from './until.ts';

/** The program that `scripts/consul.sh` has fetched, or `CONSUL`. */
export async function consulBinary(): Promise<string> {
  const { CONSUL: given } = process.env;
  if (given !== undefined) return given;
  const { stdout } = await promisify(execFile)('bash', ['scripts/consul.sh', '--paths']);
  const path = stdout.trim();
  if (!existsSync(path)) throw new Error(`no Consul at ${path}: bash scripts/consul.sh fetches it`);
  return path;
}

export interface AgentOptions {
  /** Its folder, which outlives it. */
  readonly directory: string;
  readonly name: string;
  /** Further keys of its configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** How many servers elect a leader; 0 for a client. */
  readonly servers?: number;
}

/** A Consul agent of its own, on this machine's loopback. */
export interface ConsulAgent extends AsyncDisposable {
  readonly ports: AgentPorts;
  readonly url: string;
  readonly pid: number;
  /** What the HTTP API answers. Rejects for a status that is not 2xx. */
  api<T = unknown>(method: string, path: string, body?: unknown, token?: string): Promise<T>;
  /** What `consul …` prints. */
  cli(...args: readonly string[]): Promise<string>;
  /** Ends it at once. */
  kill(): Promise<void>;
  /** Starts it again where it was, with its data. */
  start(): Promise<void>;
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
}

type AgentPorts = Readonly<Record<'http' | 'dns' | 'server' | 'serf_lan', number>>;

/** Starts an agent; resolves once its HTTP API answers. With one server it leads at once. */
export async function startConsul(options: AgentOptions): Promise<ConsulAgent> {
  const { directory, name, config = {}, servers = 1 } = options;
  const binary = await consulBinary();
  const [http, dns, server, serf] = await Promise.all([1, 2, 3, 4].map(freePort));
  const ports = {
    http,
    dns,
    server,
    serf_lan: serf,
    ...(config.ports as object | undefined),
  } as AgentPorts;
  const url = `http://127.0.0.1:${ports.http}`;
  await mkdir(directory, { recursive: true });
  const file = `${directory}/consul.json`;
  await writeFile(
    file,
    JSON.stringify({
      node_name: name,
      server: servers > 0,
      ...(servers > 0 && { bootstrap_expect: servers }),
      data_dir: `${directory}/data`,
      bind_addr: '127.0.0.1',
      client_addr: '127.0.0.1',
      log_level: 'warn',
      disable_update_check: true,
      performance: { raft_multiplier: 1 },
      ...config,
      ports: { serf_wan: -1, grpc: -1, ...ports },
    }),
  );
  let child: ReturnType<typeof run> | undefined;
  const run = () => execa(binary, ['agent', '-config-file', file], { reject: false, all: true });

  async function api<T>(method: string, path: string, body?: unknown, token?: string): Promise<T> {
    const response = await fetch(`${url}${path}`, {
      method,
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      headers: token === undefined ? {} : { 'x-consul-token': token },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  async function start(): Promise<void> {
    child = run();
    const started = child;
    await until(async () => {
      if (started.exitCode !== null)
        throw new Error(`Consul ended: ${(await started).all?.slice(-2000)}`);
      const leader = await fetch(`${url}/v1/status/leader`);
      return servers > 1 || servers === 0 || (await leader.text()).includes(':');
    }, 20_000);
  }

  const kill = async () => {
    child?.kill('SIGCONT');
    child?.kill('SIGKILL');
    await child;
  };
  await start();
  return {
    ports,
    url,
    get pid() {
      return child?.pid ?? 0;
    },
    api,
    cli: async (...args) => {
      const own = { CONSUL_HTTP_ADDR: `127.0.0.1:${ports.http}` };
      return (await execa(binary, [...args], { env: own })).stdout;
    },
    kill,
    start,
    signal: (signal) => child?.kill(signal),
    [Symbol.asyncDispose]: kill,
  };
}
