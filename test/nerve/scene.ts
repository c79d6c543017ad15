import { connect, type Session } from '@smartstack/zookeeper';

import { type Copy, startCopy } from '../support/copies.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { createScratch, type Scratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper.ts';

/** One machine with three copies of a service, a ZooKeeper, and a session beside nerve's own. */
export interface Scene extends AsyncDisposable {
  readonly zookeeper: ZooKeeper;
  readonly session: Session;
  readonly scratch: Scratch;
  readonly copies: readonly Copy[];
  /** Where all copies are announced unless told otherwise. */
  readonly path: string;
  /** nerve's configuration for these copies, with further keys for each by its name, and at the top. */
  config(keys?: Readonly<Record<string, object>>, top?: object): object;
  /** Starts nerve, and stops it at the end. */
  nerve(config?: object): Promise<Daemon>;
  /** Waits until so many nodes are at the path. */
  announced(count: number): Promise<unknown>;
  names(): Promise<readonly string[]>;
}

/** Where a scene takes place that shares its ZooKeeper with others. */
export interface Place {
  readonly zookeeper: ZooKeeper;
  readonly path: string;
}

/** Starts it all; its ZooKeeper too where it is given no place. */
export async function createScene(
  names: readonly string[] = ['a', 'b', 'c'],
  place?: Place,
): Promise<Scene> {
  const zookeeper = place?.zookeeper ?? (await startZooKeeper());
  const session = connect({ hosts: [zookeeper.hosts] });
  const scratch = await createScratch();
  const copies = await Promise.all(names.map(startCopy));
  const path = place?.path ?? '/services/web';
  const daemons: Daemon[] = [];

  const config: Scene['config'] = (keys = {}, top = {}) => ({
    instance_id: 'vm-1',
    status_address: false,
    state_directory: scratch.path('state'),
    zookeeper: { hosts: [zookeeper.hosts], session_timeout: 6 },
    services: Object.fromEntries(
      copies.map(({ name, port }) => [
        name,
        {
          host: '127.0.0.1',
          port,
          zk_path: path,
          check_interval: 0.05,
          checks: [{ type: 'http', uri: '/health', timeout: 5 }],
          ...keys[name],
        },
      ]),
    ),
    ...top,
  });
  const namesAt = async () =>
    (await session.exists(path)) ? [...(await session.list(path)).names].sort() : [];
  return {
    zookeeper,
    session,
    scratch,
    copies,
    path,
    config,
    nerve: async (given = config()) => {
      const daemon = await startDaemon('nerve', given, scratch.directory);
      daemons.push(daemon);
      return daemon;
    },
    announced: (count) => until(async () => (await namesAt()).length === count),
    names: namesAt,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(daemons.map((daemon) => daemon[Symbol.asyncDispose]()));
      await Promise.all(copies.map((copy) => copy[Symbol.asyncDispose]()));
      await session.close();
      if (!place) await zookeeper[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

/** What a watcher of a path was told: the numbers of children, from its first look on. */
export interface Watched extends AsyncDisposable {
  readonly lists: readonly number[];
  /** How often anything changed, a child or its data. */
  readonly changes: number;
}

/** Watches a path that is there. */
export async function watch(session: Session, path: string): Promise<Watched> {
  const ended = new AbortController();
  const lists: number[] = [];
  const watching = (async () => {
    for await (const children of session.children(path, ended.signal)) lists.push(children.length);
  })();
  await until(() => lists.length > 0);
  return {
    lists,
    get changes() {
      return lists.length - 1;
    },
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await watching;
    },
  };
}

/** How often nerve said something. */
export const told = ({ log }: Daemon, message: string): number =>
  log.filter(({ msg }) => msg === message).length;
