import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { freePort } from '../../test/support/ports.ts';
import { startZooKeeper, type ZooKeeper } from '../../test/support/zookeeper.ts';
import { type Announcements, followAnnouncements } from './announcements.ts';
import { type Child, startChild } from './child.ts';
import { addressOf, nerveFile, type Setting, synapseFile } from './configuration.ts';
import type { Options } from './options.ts';
import { isFree, isOpen } from './port.ts';
import { proxyProcesses } from './processes.ts';
import { demoProxies } from './proxies.ts';
import { until } from './until.ts';

/** Airbnb's own example of a local port. */
const usualPort = 3213;
/** Puts ZooKeeper out of reach of the terminal's Ctrl-C, so that nerve can withdraw from it first. */
const setsid = '/usr/bin/setsid';
const repository = fileURLToPath(new URL('../..', import.meta.url));
const service = join(repository, 'examples', 'http-service', 'service.js');

/** The parts of the demo, not yet started. Disposing of it ends what was started and removes the folder. */
export interface Scene extends AsyncDisposable {
  readonly setting: Setting;
  startRegistry(): Promise<void>;
  /** Resolves, once its port is open, with a moment just before it was (`performance.now`). */
  startCopy(name: string): Promise<number>;
  /** Kills a copy as a crash would (kill -9). */
  killCopy(name: string): void;
  /** The process of a copy that was started. */
  pidOf(name: string): number | undefined;
  startNerve(): Promise<void>;
  startSynapse(): Promise<void>;
  /** What the daemons complained about, for when something failed. */
  complaints(): Promise<readonly string[]>;
  /** The copies that are announced. */
  announced(): ReadonlySet<string>;
  /** The copies that the proxy sends requests to. */
  rotation(): Promise<ReadonlySet<string>>;
}

/** Prepares a scene in a new folder. A daemon that ends by itself aborts `root` with the reason. */
export async function openScene(options: Options, root: AbortController): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'smartstack-demo-'));
  const setting = await prepare(folder, options);
  const { signal } = root;
  const copies = new Map<string, Child>();
  const daemons: Child[] = [];
  let zooKeeper: ZooKeeper | undefined;
  let announcements: Announcements | undefined;
  let closing = false;

  async function keep(daemon: Child) {
    daemons.push(daemon);
    const end = await daemon.ended;
    if (!closing && !signal.aborted)
      root.abort(new Error(`${daemon.name} ${end}:\n${await daemon.lastWords()}`));
  }

  async function startDaemon(name: 'nerve' | 'synapse') {
    const command = join(repository, 'node_modules', '.bin', name);
    const args = ['-c', join(folder, `${name}.yaml`)];
    void keep(await startChild({ name, command, args, log: join(folder, `${name}.log`) }));
  }

  return {
    setting,
    async startRegistry() {
      zooKeeper = await startRegistry(setting);
      announcements = followAnnouncements(addressOf(setting));
    },
    async startCopy(name) {
      const port = portsOf(setting).get(name) ?? 0;
      const args = [service, '--name', name, '--port', `${port}`, '--drain', '0'];
      const log = join(folder, `${name}.log`);
      copies.set(name, await startChild({ name, command: process.execPath, args, log }));
      return untilOpen(name, port, signal);
    },
    killCopy: (name) => copies.get(name)?.kill(),
    pidOf: (name) => copies.get(name)?.pid,
    startNerve: () => startDaemon('nerve'),
    startSynapse: () => startDaemon('synapse'),
    complaints: async () => (await Promise.all(daemons.map(complaintsOf))).flat(),
    announced: () => namesOf(setting, announcements?.ports() ?? new Set()),
    rotation: async () => namesOf(setting, await setting.proxy.rotation(setting, signal)),
    async [Symbol.asyncDispose]() {
      closing = true;
      for (const daemon of [...daemons].reverse()) await daemon.stop();
      await announcements?.[Symbol.asyncDispose]();
      await zooKeeper?.stop();
      await Promise.all([...copies.values()].map((copy) => copy.stop()));
      for (const pid of await proxyProcesses(folder)) process.kill(pid, 'SIGKILL');
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Chooses the ports and writes the daemons' files. */
async function prepare(folder: string, options: Options): Promise<Setting> {
  const zooKeeperPort = options.registry === 'zookeeper' ? await freePort() : undefined;
  const setting: Setting = {
    folder,
    zooKeeperPort,
    copies: await Promise.all(
      ['web-1', 'web-2', 'web-3', 'web-4'].map(async (name) => ({ name, port: await freePort() })),
    ),
    proxy: demoProxies[options.proxy],
    port: options.port ?? ((await isFree(usualPort)) ? usualPort : await freePort()),
    pagePort: await freePort(),
    statusPort: await freePort(),
  };
  await mkdir(join(folder, 'registry'));
  await writeFile(join(folder, 'nerve.yaml'), nerveFile(setting));
  await writeFile(join(folder, 'synapse.yaml'), synapseFile(setting));
  return setting;
}

/** Nothing, where announcements are files. */
async function startRegistry({ folder, zooKeeperPort: port }: Setting) {
  if (port === undefined) return undefined;
  const directory = join(folder, 'zookeeper');
  await mkdir(directory);
  return startZooKeeper({ directory, port, prefix: existsSync(setsid) ? [setsid] : [] });
}

/** The last moment at which a port was seen closed, so that what is counted from it is never flattered. */
async function untilOpen(name: string, port: number, signal: AbortSignal): Promise<number> {
  let closed = performance.now();
  const open = async () => {
    const asked = performance.now();
    if (await isOpen(port)) return closed;
    closed = asked;
    return undefined;
  };
  return until(`${name} listens on ${port}`, 10_000, open, signal);
}

/** A daemon's last lines that are warnings or worse, or no log lines at all. */
async function complaintsOf({ name, lastWords }: Child): Promise<readonly string[]> {
  const lines = (await lastWords()).split('\n').filter((line) => line !== '');
  return lines.filter((line) => !/^\{"level":[123]0,/.test(line)).map((line) => `${name}: ${line}`);
}

const portsOf = ({ copies }: Setting) => new Map(copies.map(({ name, port }) => [name, port]));

function namesOf({ copies }: Setting, ports: ReadonlySet<number>): ReadonlySet<string> {
  return new Set(copies.filter(({ port }) => ports.has(port)).map(({ name }) => name));
}
