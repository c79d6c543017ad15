import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { type Java, startJava } from './java.ts';
import { freePort } from './ports.ts';

export { type Ensemble, startEnsemble } from './zookeeper-ensemble.ts';

export interface ZooKeeperOptions {
  /** Where data, configuration and log lie; a temporary folder, removed at the end, when absent. */
  readonly directory?: string;
  readonly port?: number;
  /** The address to listen on; default 127.0.0.1. */
  readonly address?: string;
  /** Further lines of zoo.cfg. */
  readonly config?: Readonly<Record<string, string | number>>;
  /** Java system properties. */
  readonly properties?: Readonly<Record<string, string>>;
  /** What goes before the command, such as `ip netns exec <name>`. */
  readonly prefix?: readonly string[];
  /** The server's number in an ensemble. */
  readonly id?: number;
  /** Whether to wait until it serves; a member of an ensemble cannot before a quorum is there. Default true. */
  readonly wait?: boolean;
}

/** One real ZooKeeper server. Disposing of it stops it and removes its temporary folder. */
export interface ZooKeeper extends AsyncDisposable {
  readonly port: number;
  /** `address:port`, for a client. */
  readonly hosts: string;
  readonly directory: string;
  /** Of the process that runs now; 0 when stopped. */
  readonly pid: number;
  /** Sends a signal; after SIGKILL and SIGTERM resolves once the process has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on its data; resolves once it serves. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Resolves once it serves clients. */
  ready(): Promise<void>;
  /** The answer to one of ZooKeeper's four-letter words, such as `srvr` or `cons`; `''` when it does not answer. */
  fourLetter(word: string): Promise<string>;
  /** Whether it knows a session or has nodes of it, whoever is connected; rejects when it does not answer. */
  hasSession(id: string | undefined): Promise<boolean>;
}

/** Starts a ZooKeeper server on a port of 127.0.0.1; resolves once it serves, in about half a second. */
export async function startZooKeeper(options: ZooKeeperOptions = {}): Promise<ZooKeeper> {
  const { address = '127.0.0.1' } = options;
  const port = options.port ?? (await freePort());
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'zookeeper-')));
  let java: Java | undefined;
  await configure(directory, port, options);

  const fourLetter = (word: string) => ask(address, port, word);

  async function hasSession(id: string | undefined): Promise<boolean> {
    const dump = await fourLetter('dump');
    const connections = dump.indexOf('Connections dump:');
    if (connections < 0 || id === undefined) throw new Error(`no list of sessions: ${dump}`);
    const lines = dump.slice(0, connections).split('\n');
    return lines.some((line) => line.trim() === id || line.trim() === `${id}:`);
  }

  async function ready(): Promise<void> {
    const deadline = performance.now() + 30_000;
    while (!(await fourLetter('srvr')).includes('Mode:')) {
      if (performance.now() > deadline) throw await silence(port, directory);
      await sleep(20);
    }
  }

  async function start(wait = true): Promise<void> {
    if (java) return;
    const started = await startJava({
      main: 'org.apache.zookeeper.server.quorum.QuorumPeerMain',
      args: [join(directory, 'zoo.cfg')],
      properties: { ...quick, ...options.properties },
      prefix: options.prefix ?? [],
      log: join(directory, 'zookeeper.log'),
    });
    java = started;
    void started.ended.then(() => {
      if (java === started) java = undefined;
    });
    if (wait) await ready();
  }

  async function kill(signal: NodeJS.Signals): Promise<void> {
    const running = java;
    running?.signal(signal);
    if (signal === 'SIGKILL' || signal === 'SIGTERM') await running?.ended;
  }

  const stop = () => kill('SIGKILL');

  async function dispose(): Promise<void> {
    await stop();
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
  }

  try {
    await start(options.wait);
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    port,
    hosts: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    directory,
    get pid() {
      return java?.pid ?? 0;
    },
    kill,
    start,
    stop,
    ready,
    fourLetter,
    hasSession,
    [Symbol.asyncDispose]: dispose,
  };
}

/** A test's data need not outlive a power cut, and its log need not start with 64 MB of zeros. */
const quick = {
  'zookeeper.forceSync': 'no',
  'zookeeper.preAllocSize': '64',
  'org.slf4j.simpleLogger.defaultLogLevel': 'warn',
};

async function configure(directory: string, port: number, options: ZooKeeperOptions) {
  const lines = {
    dataDir: join(directory, 'data'),
    clientPort: port,
    clientPortAddress: options.address ?? '127.0.0.1',
    tickTime: 500,
    minSessionTimeout: 500,
    maxSessionTimeout: 120_000,
    maxClientCnxns: 0,
    'admin.enableServer': 'false',
    '4lw.commands.whitelist': '*',
    ...options.config,
  };
  await mkdir(lines.dataDir, { recursive: true });
  if (options.id !== undefined) await writeFile(join(lines.dataDir, 'myid'), `${options.id}`);
  const text = Object.entries(lines).map(([key, value]) => `${key}=${value}\n`);
  await writeFile(join(directory, 'zoo.cfg'), text.join(''));
}

function ask(host: string, port: number, word: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ host, port }, () => socket.write(word));
    socket.setTimeout(2_000, () => socket.destroy());
    socket.on('data', (part) => {
      answer += part;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}

async function silence(port: number, directory: string): Promise<Error> {
  const log = await readFile(join(directory, 'zookeeper.log'), 'utf8');
  return new Error(
    `cannot start ZooKeeper on port ${port}: it does not serve\n${log.slice(-2_000)}`,
  );
}
