import { setTimeout as sleep } from 'node:timers/promises';

import type { Statsd } from '@smartstack/daemon';
import type { Output, Snapshot } from '@smartstack/proxy';
import { isZooKeeper } from '../discovery/zookeeper-path.ts';
import type { Followed } from '../reconcile/follower.ts';

export interface StatsdDriverOptions {
  readonly statsd: Statsd;
  readonly version: string;
  /** The ensemble of services that name none. */
  readonly hosts: readonly string[];
  /** How each service is found. */
  followed(name: string): Pick<Followed, 'config'> | undefined;
}

/** How often the originals counted that a watcher lives, in milliseconds. */
const ping = 1_000;
const clean = { stop_avenue: 'clean', stop_location: 'main_loop' } as const;

/** Counts what becomes of services under the originals' names; in step with what is served, as a proxy is. */
export function createStatsdDriver({
  statsd,
  version,
  hosts: shared,
  followed,
}: StatsdDriverOptions): Output {
  let before: Snapshot | undefined;
  let isPingDue = false;

  function compare(snapshot: Snapshot): void {
    const known = before ?? new Map();
    if (!before) statsd.increment('synapse.start');
    if (snapshot !== before) statsd.increment('synapse.config.update');
    for (const name of snapshot.keys())
      if (!known.has(name))
        statsd.increment('synapse.watcher.start', { start_result: 'success', watcher_name: name });
    for (const name of known.keys())
      if (!snapshot.has(name))
        statsd.increment('synapse.watcher.stop', { ...clean, watcher_name: name });
    for (const [name, { instances }] of snapshot)
      if (instances && instances !== known.get(name)?.instances) countDiscovery(name);
  }

  function countDiscovery(name: string): void {
    const discovery = followed(name)?.config?.discovery;
    if (discovery?.method === 'zookeeper_poll')
      statsd.increment('synapse.watcher.zookeeper_poll.discover');
    if (!discovery || !isZooKeeper(discovery)) return;
    statsd.increment('synapse.watcher.zk.discovery', {
      zk_cluster: clusterOf(discovery.hosts ?? shared),
      zk_path: discovery.path,
      service_name: name,
    });
  }

  function pingAll(snapshot: Snapshot): void {
    isPingDue = false;
    for (const [name, { instances }] of snapshot)
      statsd.increment('synapse.watcher.ping.count', {
        watcher_name: name,
        ping_result: instances ? 'success' : 'failure',
        synapse_version: version,
      });
  }

  return {
    name: 'statsd',
    auxiliary: true,
    apply: async (snapshot) => {
      compare(snapshot);
      before = snapshot;
      if (isPingDue) pingAll(snapshot);
      return 'unchanged';
    },
    wakes: async function* (signal) {
      while (!signal.aborted) {
        await sleep(ping, undefined, { signal }).catch(() => {});
        isPingDue = true;
        yield;
      }
    },
    status: () => ({ services: before?.size ?? 0 }),
    [Symbol.asyncDispose]: async () => {
      for (const name of before?.keys() ?? [])
        statsd.increment('synapse.watcher.stop', { ...clean, watcher_name: name });
      statsd.increment('synapse.stop', clean);
    },
  };
}

/** The driver, whose failures are counted. */
export function withFailuresCounted<Counted extends Output>(
  driver: Counted,
  statsd: Statsd,
): Counted {
  return {
    ...driver,
    apply: async (snapshot, signal) => {
      try {
        return await driver.apply(snapshot, signal);
      } catch (error) {
        if (!signal.aborted)
          statsd.increment('synapse.config.update_failed', { config_name: driver.name });
        throw error;
      }
    },
  };
}

/** An ensemble's name as the originals made it: the first host's, without its domain and the number at its end. */
function clusterOf(hosts: readonly string[]): string {
  const first = [...hosts].sort()[0] ?? '';
  return /^.*\D/.exec(first.split('.', 1)[0] ?? '')?.[0] ?? first;
}
