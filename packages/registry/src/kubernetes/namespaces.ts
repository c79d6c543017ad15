import { setTimeout as sleep } from 'node:timers/promises';

import { createBackoff, type Log, messageOf } from '@smartstack/daemon';

import type { Cluster } from './cluster.ts';
import type { Health } from './health.ts';
import { createReflector, type Reflector } from './reflector.ts';
import type { KubernetesAddress } from './section.ts';
import type { Slice } from './slice.ts';
import { createStore, type Store, serviceKey } from './store.ts';

/** Who is told of a service. */
export interface Reader {
  /** Called once the service was asked for, and whenever its slices changed. */
  wake(): void;
  onTrouble(reason: string | undefined): void;
}

/** A service in a namespace that is followed; dispose of it when nobody follows it any more. */
export interface FollowedService extends Disposable {
  readonly namespace: string;
  /** Its slices as they are known; undefined before they were asked for. */
  slices(): readonly Slice[] | undefined;
}

/** The watches of one cluster: one for each namespace, or one for all of it. */
export interface Namespaces extends AsyncDisposable {
  /** Waits until it is known which namespace is meant; undefined where the signal aborts before that. */
  follow(
    service: { readonly service: string; readonly namespace?: string | undefined },
    reader: Reader,
    signal: AbortSignal,
  ): Promise<FollowedService | undefined>;
}

export interface NamespacesOptions {
  readonly address: KubernetesAddress;
  readonly cluster: Cluster;
  readonly health: Health;
  readonly log: Log;
}

const usualWatchTimeout = 300_000;
/** A watch that nobody needs is kept for so long: a configuration that is read again follows the same once more. */
const linger = 2_000;

export function createNamespaces(options: NamespacesOptions): Namespaces {
  const { address, cluster, health, log } = options;
  const watched = new Map<string | undefined, Watched>();
  const ended = new AbortController();

  function open(namespace: string | undefined): Watched {
    const present = watched.get(namespace);
    if (present) return present;
    const created = createWatched(options, namespace, ended.signal, () =>
      watched.delete(namespace),
    );
    watched.set(namespace, created);
    return created;
  }

  /** The namespace of services that name none, which a file says that may not be there yet. */
  async function usualNamespace(reader: Reader, signal: AbortSignal): Promise<string | undefined> {
    const backoff = createBackoff({ base: 1_000, max: 30_000 });
    let complaint = '';
    while (!signal.aborted) {
      try {
        const { namespace } = await cluster.connect(signal);
        health.set(reader, false);
        reader.onTrouble(undefined);
        return namespace;
      } catch (error) {
        if (signal.aborted) break;
        const reason = messageOf(error);
        health.set(reader, true);
        const fix = 'fix the kubernetes section, or what it names; it is read again';
        if (reason !== complaint) log.warn({ reason, fix }, 'cannot follow Kubernetes');
        complaint = reason;
        reader.onTrouble(reason);
        await backoff.wait(signal).catch(() => {});
      }
    }
    health.set(reader, false);
    return undefined;
  }

  return {
    follow: async ({ service, namespace: own }, reader, signal) => {
      const namespace = own ?? address.namespace ?? (await usualNamespace(reader, signal));
      if (namespace === undefined) return undefined;
      return open(address.scope === 'cluster' ? undefined : namespace).follow(
        namespace,
        service,
        reader,
      );
    },
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await Promise.all([...watched.values()].map(({ done }) => done));
    },
  };
}

/** One watch with those who read of it. */
interface Watched {
  follow(namespace: string, service: string, reader: Reader): FollowedService;
  readonly done: Promise<void>;
}

function createWatched(
  { address, cluster, health, log }: NamespacesOptions,
  namespace: string | undefined,
  outer: AbortSignal,
  onEnd: () => void,
): Watched {
  const store: Store = createStore();
  const readers = new Map<string, Set<Reader>>();
  const own = new AbortController();
  const signal = AbortSignal.any([outer, own.signal]);
  let listed: ReadonlySet<string> | undefined = new Set();
  let hasListed = false;
  let trouble: string | undefined;

  const isListed = (service: string) => hasListed && (!listed || listed.has(service));
  const wake = (keys: Iterable<string>) => {
    for (const key of keys) for (const reader of readers.get(key) ?? []) reader.wake();
  };

  const reflector: Reflector = createReflector({
    cluster,
    namespace,
    store,
    health,
    log,
    watchTimeout: address.watch_timeout ?? usualWatchTimeout,
    wanted: () => [...readers.keys()].map(nameIn),
    onList: (services, changed) => {
      const isNew = (key: string) => !isListed(nameIn(key));
      const fresh = [...readers.keys()].filter(isNew);
      [listed, hasListed] = [services, true];
      wake(new Set([...fresh, ...changed]));
    },
    onChange: wake,
    onTrouble: (reason) => {
      if (reason === trouble) return;
      trouble = reason;
      for (const each of readers.values()) for (const reader of each) reader.onTrouble(reason);
    },
  });
  const done = reflector.run(signal);

  async function endUnlessUsed(): Promise<void> {
    await sleep(linger, undefined, { signal: outer, ref: false }).catch(() => {});
    if (readers.size > 0 || own.signal.aborted) return;
    onEnd();
    own.abort();
  }

  return {
    done,
    follow: (of, service, reader) => {
      const key = serviceKey(of, service);
      const those = readers.get(key) ?? new Set();
      readers.set(key, those.add(reader));
      reflector.widen();
      reader.onTrouble(trouble);
      if (isListed(service)) reader.wake();
      return {
        namespace: of,
        slices: () => (isListed(service) ? store.of(key) : undefined),
        [Symbol.dispose]: () => {
          those.delete(reader);
          if (those.size === 0) readers.delete(key);
          if (readers.size === 0) void endUnlessUsed();
        },
      };
    },
  };
}

/** A service's name without its namespace. */
function nameIn(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}
