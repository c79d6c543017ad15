import { createMetrics, type Log } from '@smartstack/daemon';
import {
  badRecordsOf,
  createRegistries,
  type Instance,
  type KubernetesAddress,
  type KubernetesFollow,
} from '@smartstack/registry';

import { createTestLog } from './test-log.ts';

/** A service that a test follows. */
export interface FollowedService {
  readonly lists: (readonly Instance[])[];
  readonly missing: string[];
  /** Each reason why there was no news, and `undefined` once there was again. */
  readonly troubles: (string | undefined)[];
  /** The newest members, as `name host:port`, in order; undefined before the first list. */
  members(): readonly string[] | undefined;
  /** Who is left out of the newest list, as `id: reason`. */
  left(): readonly string[];
}

/** One synapse's registries, as far as Kubernetes is concerned. */
export interface Follower extends AsyncDisposable {
  follow(options?: Partial<KubernetesFollow>): FollowedService;
  stop(service: FollowedService): Promise<void>;
  lastUnhealthy(): number | undefined;
  /** What was logged, as `level message: reason`. */
  readonly logged: readonly string[];
}

export function startFollower(address: KubernetesAddress): Follower {
  const { log, lines } = createTestLog();
  const registries = createRegistries({ log: log as Log, metrics: createMetrics() });
  const registry = registries.openKubernetes({ namespace: 'shop', ...address });
  const running = new Map<FollowedService, () => Promise<void>>();

  return {
    logged: lines,
    lastUnhealthy: registries.lastUnhealthy,
    follow: (options = {}) => {
      const ended = new AbortController();
      const followed = createFollowed();
      const asked: KubernetesFollow = {
        service: 'web',
        isFallback: true,
        onMissing: (reason) => void followed.missing.push(reason),
        onTrouble: (reason) => void followed.troubles.push(reason),
        ...options,
      };
      const done = (async () => {
        for await (const list of registry.follow(asked, ended.signal)) followed.lists.push(list);
      })();
      running.set(followed, async () => {
        ended.abort();
        await done;
      });
      return followed;
    },
    stop: async (followed) => {
      await running.get(followed)?.();
      running.delete(followed);
    },
    [Symbol.asyncDispose]: async () => {
      for (const stop of running.values()) await stop();
      await registries[Symbol.asyncDispose]();
    },
  };
}

function createFollowed(): FollowedService {
  const lists: (readonly Instance[])[] = [];
  return {
    lists,
    missing: [],
    troubles: [],
    members: () =>
      lists
        .at(-1)
        ?.map(({ name = '', host, port }) => `${name} ${host}:${port}`.trim())
        .sort(),
    left: () => badRecordsOf(lists.at(-1) ?? []).map(({ id, reason }) => `${id}: ${reason}`),
  };
}
