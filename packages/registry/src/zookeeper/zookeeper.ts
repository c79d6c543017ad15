import { connect, type HandedOff, type SessionOptions } from '@smartstack/zookeeper';

import { createDecoder, type DecoderDeps } from '../instance/decoder.ts';
import { decodeInstance, type Instance, isBadRecord } from '../instance/instance.ts';
import type { RecordDecoder } from '../instance/record.ts';
import { decodeEither } from '../instance/serverset.ts';
import { instanceOfName, namesFirst } from '../path-encoding.ts';
import type { Announcement, Registry } from '../registry.ts';
import { announceRecord, type RecordAnnouncement } from './announcement.ts';
import { splitChroot } from './connect-string.ts';
import { createHealth } from './health.ts';
import { type NodeRecord, placeOf } from './place.ts';
import { pollChildren, pollData } from './poll.ts';
import type { RecordForm } from './record.ts';
import { createSharedNodes } from './shared-nodes.ts';
import { clearStale } from './stale-nodes.ts';

export interface ZooKeeperRegistryOptions
  extends DecoderDeps,
    Omit<SessionOptions, 'chroot' | 'log' | 'metrics'> {
  /** `host:port` each; a chroot may follow the last, as in `zk1:2181,zk2:2181/stack`. */
  readonly hosts: readonly string[];
}

/** How to follow a path that others than nerve may write, or that is not to be watched. */
export interface FollowOptions {
  /** Reads records whose name carries no instance; default nerve's format. */
  readonly decode?: RecordDecoder | undefined;
  /** Asks this often, in milliseconds, in place of watching. */
  readonly pollInterval?: number | undefined;
  /** Called when ZooKeeper answered that there is no such path. */
  readonly onMissing?: (() => void) | undefined;
}

/** Whether a record at a service's path is to be withdrawn; `instance` is undefined for a record that is none. */
export type IsStale = (path: string, instance: Instance | undefined) => boolean;

/** A registry with what only ZooKeeper has. */
export interface ZooKeeperRegistry extends Registry {
  /** What the next process would need to take the announcements over if this one died now. */
  ticket(): HandedOff | undefined;
  /** Ends, and leaves the announcements to the next process. */
  handOff(): Promise<HandedOff>;
  /**
   * Withdraws what an earlier process announced and this one has not, as far as `isStale` is true for a record;
   * see `Session`. Rejects when the signal aborts.
   */
  dropUnclaimed(isStale: IsStale, signal: AbortSignal): Promise<void>;
  /** Whether an earlier process left records at a path that are neither taken over nor withdrawn yet. */
  hasUnclaimed(path: string): boolean;
  /**
   * Deletes the records of an instance that an earlier process left: those with its name, host and port
   * that this process does not keep, and that no other session has. Call it once the instance is announced or
   * known not to be; it rejects when the registry does not answer.
   */
  clearStale(path: string, instance: Instance, signal: AbortSignal): Promise<void>;
  /** `announce` in another form than the default. */
  announceAs(
    form: RecordForm,
    path: string,
    instance: Instance,
    signal: AbortSignal,
  ): Promise<Announcement>;
  /** `watch` with options. */
  follow(
    path: string,
    options: FollowOptions,
    signal: AbortSignal,
  ): AsyncIterable<readonly Instance[]>;
  /**
   * Yields a node's own data, then again when it was written: by a watch, or by looking at its version each
   * `pollInterval` milliseconds (jittered). Undefined where there is no such node. Ends when the signal aborts.
   */
  data(
    path: string,
    options: Pick<FollowOptions, 'pollInterval'>,
    signal: AbortSignal,
  ): AsyncIterable<Buffer | undefined>;
  /** The last moment at which the session was without a connection, on `performance.now`'s clock; undefined for never. */
  lastUnhealthy(): number | undefined;
}

/**
 * Announcements are ephemeral sequential nodes `<path>/<name>_<sequence>` with the instance as JSON,
 * as Airbnb's nerve writes them. One session, opened at once, serves all paths.
 */
export function createZooKeeperRegistry(options: ZooKeeperRegistryOptions): ZooKeeperRegistry {
  const { hosts, log, metrics } = options;
  const wholeNames = (name: string) => instanceOfName(name) !== undefined;
  const session = connect({ ...options, ...splitChroot(hosts), wholeNames });
  const disposed = new AbortController();
  const health = createHealth();
  const watching = health.follow(session, disposed.signal);

  async function* follow(
    path: string,
    { decode: format = decodeInstance, pollInterval, onMissing }: FollowOptions,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Instance[], void> {
    const place = (node: NodeRecord) => placeOf(path, node);
    const decode = createDecoder(path, { log, metrics }, namesFirst(format), place);
    const lists =
      pollInterval === undefined
        ? session.children(path, signal, onMissing)
        : pollChildren({ session, log, path, interval: pollInterval, onMissing }, signal);
    for await (const children of lists)
      yield decode(children.map(({ name, data, stat }) => ({ id: name, data, stat })));
  }

  const kept = new Set<RecordAnnouncement>();
  const shared = createSharedNodes();
  const isKept = (node: string) =>
    shared.taken.has(node) || [...kept].some(({ path }) => path === node);

  const announceAs: ZooKeeperRegistry['announceAs'] = async (form, path, instance, signal) => {
    const announcement = await announceRecord(
      { session, log, path, form, shared },
      instance,
      signal,
    );
    kept.add(announcement);
    log.debug({ path, node: announcement.path }, 'announced');
    return {
      update: announcement.update,
      [Symbol.asyncDispose]: async () => {
        await announcement[Symbol.asyncDispose]();
        kept.delete(announcement);
      },
    };
  };

  return {
    announce: (path, instance, signal) => announceAs({}, path, instance, signal),
    announceAs,
    clearStale: (path, instance, signal) =>
      clearStale({ session, log, path, isKept }, instance, signal),
    watch: (path, signal) => follow(path, {}, signal),
    follow,
    data: (path, { pollInterval: interval }, signal) =>
      interval === undefined
        ? session.data(path, signal)
        : pollData({ session, log, path, interval }, signal),
    ticket: session.ticket,
    handOff: session.handOff,
    dropUnclaimed: (isStale, signal) =>
      session.dropUnclaimed(
        (node, data) => {
          const slash = node.lastIndexOf('/');
          const name = node.slice(slash + 1);
          const found = namesFirst(decodeEither)(name, data);
          return isStale(node.slice(0, slash), isBadRecord(found) ? undefined : found);
        },
        { signal },
      ),
    hasUnclaimed: (path) => session.unclaimed().some((node) => node.startsWith(`${path}/`)),
    lastUnhealthy: health.lastUnhealthy,
    [Symbol.asyncDispose]: async () => {
      await session.close();
      disposed.abort();
      await watching;
    },
  };
}
