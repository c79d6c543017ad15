import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { freePort } from '../../support/ports.ts';
import { until } from '../../support/until.ts';

const run = promisify(execFile);

/** Debian builds etcd for no other machine than it is tested on. */
const env = { ...process.env, ETCD_UNSUPPORTED_ARCH: process.arch, ETCDCTL_API: '3' };

/** One server of a cluster. */
export interface Member {
  readonly name: string;
  readonly port: number;
  readonly endpoint: string;
  /** Ends it with -9; its data stays. */
  kill(): Promise<void>;
  start(): void;
  signal(name: NodeJS.Signals): void;
  /** What it has counted, by name as in `/metrics`. */
  metric(name: string): Promise<number>;
  /** Runs `etcdctl` against it; resolves to what that prints. */
  ctl(...args: readonly string[]): Promise<string>;
}

/** A cluster on 127.0.0.1 with its data in a folder of its own. */
export interface Cluster extends AsyncDisposable {
  readonly directory: string;
  readonly members: readonly Member[];
  readonly endpoints: readonly string[];
  /** Runs `etcdctl` against all of its members. */
  ctl(...args: readonly string[]): Promise<string>;
  /** The keys below a prefix, as `etcdctl` lists them. */
  keys(prefix?: string): Promise<readonly string[]>;
  leader(): Promise<Member>;
  /** Replaces all data by a snapshot's, with servers that know nothing of what came after it. */
  restore(snapshot: string): Promise<void>;
}

export interface ClusterOptions {
  readonly size?: number;
  /** Further arguments of every server. */
  readonly args?: readonly string[];
  readonly scheme?: 'http' | 'https';
  /** Further arguments of `etcdctl`. */
  readonly ctlArgs?: readonly string[];
}

export async function startCluster({
  size = 1,
  args = [],
  scheme = 'http',
  ctlArgs = [],
}: ClusterOptions = {}): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), 'etcd-'));
  const seats = await Promise.all(
    Array.from({ length: size }, async (_, index) => ({
      name: `m${index}`,
      port: await freePort(),
      peer: await freePort(),
    })),
  );
  const initial = seats.map(({ name, peer }) => `${name}=http://127.0.0.1:${peer}`).join(',');
  const etcdctl = async (endpoints: readonly string[], more: readonly string[]) =>
    (
      await run('etcdctl', [`--endpoints=${endpoints.join(',')}`, ...ctlArgs, ...more], {
        env,
        timeout: 20_000,
        maxBuffer: 64 * 1024 * 1024,
      })
    ).stdout;

  const members = seats.map(({ name, port, peer }) => {
    const endpoint = `${scheme}://127.0.0.1:${port}`;
    let child: ChildProcess | undefined;
    let ended: Promise<unknown> = Promise.resolve();
    const member: Member = {
      name,
      port,
      endpoint,
      start() {
        const own = [
          `--name=${name}`,
          `--data-dir=${directory}/${name}`,
          `--listen-client-urls=${endpoint}`,
          `--advertise-client-urls=${endpoint}`,
          `--listen-peer-urls=http://127.0.0.1:${peer}`,
          `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
          `--initial-cluster=${initial}`,
          '--heartbeat-interval=50',
          '--election-timeout=500',
          ...args,
        ];
        child = spawn('etcd', own, {
          env,
          stdio: 'ignore',
        });
        ended = once(child, 'exit');
      },
      async kill() {
        child?.kill('SIGKILL');
        await ended;
      },
      signal: (which) => void child?.kill(which),
      async metric(wanted) {
        const text = await (await fetch(`${endpoint}/metrics`)).text();
        const lines = text.split('\n').filter((line) => line.startsWith(wanted));
        return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
      },
      ctl: (...more) => etcdctl([endpoint], more),
    };
    return member;
  });
  const endpoints = members.map(({ endpoint }) => endpoint);
  const ctl = (...more: readonly string[]) => etcdctl(endpoints, more);

  async function start(): Promise<void> {
    for (const member of members) member.start();
    await until(() => ctl('endpoint', 'health'), 30_000);
  }
  const kill = () => Promise.all(members.map((member) => member.kill()));

  await start();
  return {
    directory,
    members,
    endpoints,
    ctl,
    keys: async (prefix = '/') =>
      (await ctl('get', prefix, '--prefix', '--keys-only')).split('\n').filter((key) => key !== ''),
    async leader() {
      for (const member of members) {
        const text = await member.ctl('endpoint', 'status', '-w', 'json').catch(() => '[]');
        const [{ Status: status } = { Status: undefined }] = JSON.parse(text);
        if (status && status.header.member_id === status.leader) return member;
      }
      throw new Error('no leader');
    },
    async restore(snapshot) {
      await kill();
      for (const { name, peer } of seats) {
        await rm(join(directory, name), { recursive: true });
        await run(
          'etcdctl',
          [
            ...[
              'snapshot',
              'restore',
              snapshot,
              `--name=${name}`,
              `--data-dir=${directory}/${name}`,
            ],
            `--initial-cluster=${initial}`,
            `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
          ],
          { env },
        );
      }
      await start();
    },
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
