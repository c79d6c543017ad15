import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { createMetrics, silentLog } from '@smartstack/daemon';
import { type Announcement, createZooKeeperRegistry } from '@smartstack/registry';
import { stringify } from 'yaml';

import { sent } from '../../../bench/envoy/scene.ts';
import { createAdmin } from '../../../packages/envoy/src/admin/client.ts';
import { type Daemon, runDaemonOn, startDaemon } from '../../support/daemon.ts';
import { envoyBinary, envoysOf } from '../../support/envoy.ts';
import { removeEnvoys } from '../../support/managed-envoy.ts';
import { freePort } from '../../support/ports.ts';
import { createScratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { startZooKeeper, type ZooKeeper } from '../../support/zookeeper.ts';
import { type Each, each, eachOf, protocols, words } from './protocols.ts';
import { type Members, type Sender, startMembers, startSender } from './workers.fixture.ts';

/** A machine whose synapse keeps an Envoy for a service of each protocol, members, and what sends requests. */
export interface Scene extends AsyncDisposable {
  readonly zookeeper: ZooKeeper;
  readonly members: Members;
  readonly sender: Sender;
  /** Where apps connect to each service. */
  readonly ports: Each<number>;
  /** Starts a member of every service, which nobody knows yet. */
  open(name: string): Promise<void>;
  announce(name: string): Promise<void>;
  withdraw(name: string): Promise<void>;
  /** Ends a member's servers. */
  close(name: string): Promise<void>;
  /** Waits until Envoy has the members that are announced, and no others. */
  settled(): Promise<void>;
  /** Gives synapse these services beside the usual ones, and tells it to read its file. */
  beside(services: object): Promise<void>;
  /** A further service with the members of `http1`. */
  another(port: number): object;
  kill(): Promise<void>;
  /** Starts synapse again; resolves once Envoy is its subscriber and has what it serves. */
  restart(): Promise<void>;
  /** What Envoy was told so far, by every synapse. */
  told(): Promise<Told>;
  /** Envoy's processes. */
  envoys(): Promise<readonly number[]>;
}

export interface Told {
  readonly responses: number;
  readonly bytes: number;
  /** What Envoy took or refused: clusters, listeners, and endpoints and routes of the usual services, each so often. */
  readonly taken: Readonly<Record<string, number>>;
}

/** What was taken in between, each so often. */
export const takenBetween = (before: Told, after: Told): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(after.taken)
      .map(([name, count]) => [name, count - (before.taken[name] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  );

/** How long a member that leaves stays with Envoy, in seconds. */
const drain = 0.5;

/** How long sessions with ZooKeeper outlive a connection, in milliseconds: longer than ZooKeeper is ever away. */
const session = 60_000;

export async function startScene(): Promise<Scene> {
  const parts: AsyncDisposable[] = [];
  const use = <T extends AsyncDisposable>(part: T): T => {
    parts.unshift(part);
    return part;
  };
  const scratch = use(await createScratch());
  const zookeeper = use(await startZooKeeper());
  const members = use(startMembers());
  const sender = use(startSender());
  const registry = use(
    createZooKeeperRegistry({
      hosts: [zookeeper.hosts],
      timeout: session,
      log: silentLog,
      metrics: createMetrics(),
    }),
  );
  const ended = new AbortController();
  const ports = await eachOf(() => freePort());
  const status = await freePort();
  const directory = scratch.path('envoy');
  const discovery = (protocol: string) => ({ method: 'zookeeper', path: `/services/${protocol}` });
  const config = (others: object) => ({
    zookeeper: { hosts: [zookeeper.hosts], session_timeout: session / 1_000 },
    status_address: `127.0.0.1:${status}`,
    proxy: 'envoy',
    haproxy: false,
    envoy: {
      binary: envoyBinary(),
      run_directory: directory,
      log_level: 'warning',
      concurrency: 2,
      drain_timeout: drain,
    },
    services: {
      ...each((protocol) => ({
        discovery: discovery(protocol),
        protocol: words[protocol],
        port: ports[protocol],
      })),
      ...others,
    },
  });
  const known = new Map<string, Each<number>>();
  const announced = new Map<string, Each<Announcement>>();
  const admin = createAdmin({ path: `${directory}/envoy-admin.sock` });
  const ask = (path: string) => admin.get(path, ended.signal);
  let synapse: Daemon | undefined;
  let earlier = { responses: 0, bytes: 0 };

  const scene: Scene = {
    zookeeper,
    members,
    sender,
    ports,
    open: async (name) => {
      known.set(name, await members.open(name));
    },
    announce: async (name) => {
      const at = known.get(name) as Each<number>;
      const announcements = await eachOf((protocol) =>
        registry.announce(
          `/services/${protocol}`,
          { host: '127.0.0.1', port: at[protocol], name },
          ended.signal,
        ),
      );
      announced.set(name, announcements);
    },
    withdraw: async (name) => {
      const announcements = announced.get(name);
      announced.delete(name);
      await eachOf(async (protocol) => announcements?.[protocol][Symbol.asyncDispose]());
    },
    close: (name) => members.close(name),
    settled: async () => {
      const expected = [...announced.keys()].flatMap((name) =>
        protocols.map((protocol) => `${protocol}::127.0.0.1:${known.get(name)?.[protocol]}`),
      );
      const wanted = expected.sort().join();
      await until(async () => {
        const lines = (await ask('/clusters')).matchAll(/^(\w+::[^:]+:\d+)::health_flags::/gm);
        const own = Array.from(lines, ([, member = '']) => member).filter((member) =>
          protocols.some((protocol) => member.startsWith(`${protocol}::`)),
        );
        // Who asks on and on takes from those who serve.
        return own.sort().join() === wanted || sleep(20, false);
      });
    },
    beside: async (services) => {
      await writeFile(scratch.path('synapse.yaml'), stringify(config(services)));
      synapse?.kill('SIGHUP');
    },
    another: (port) => ({ discovery: discovery('http1'), protocol: 'http', port }),
    kill: async () => {
      earlier = await scene.told();
      synapse?.kill('SIGKILL');
      await synapse?.exited;
    },
    restart: async () => {
      synapse = runDaemonOn('synapse', scratch.path('synapse.yaml'));
      await until(async () => {
        const { proxies } = (await (await fetch(`http://127.0.0.1:${status}/status`)).json()) as {
          readonly proxies: { readonly envoy: { readonly subscribers: readonly object[] } };
        };
        if (proxies.envoy.subscribers.length === 0) return false;
        return (await fetch(`http://127.0.0.1:${status}/ready`)).ok;
      });
    },
    told: async () => {
      const { responses, bytes } = await sent(status);
      const whose = `cluster_manager|listener_manager|(cluster|http)\\.(${protocols.join('|')})`;
      const names = encodeURIComponent(`^(${whose})\\..*update_(success|rejected)$`);
      const counters = (await ask(`/stats?filter=${names}`)).matchAll(/^(.+): (\d+)$/gm);
      return {
        responses: earlier.responses + responses,
        bytes: earlier.bytes + bytes,
        taken: Object.fromEntries(Array.from(counters, ([, name, count]) => [name, Number(count)])),
      };
    },
    envoys: () => envoysOf(directory),
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await synapse?.[Symbol.asyncDispose]();
      await removeEnvoys(directory);
      for (const part of parts) await part[Symbol.asyncDispose]();
    },
  };
  synapse = await startDaemon('synapse', config({}), scratch.directory);
  return scene;
}
