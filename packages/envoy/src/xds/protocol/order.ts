import type { Resource, ResourceType } from '../resource.ts';
import type { Channel, Pending, Permission } from './contract.ts';

export type Channels = Readonly<Record<ResourceType, Channel>>;

/** The order of what is sent to one client: make before break, over all types. */
export interface Order {
  /** What may be sent of a type now. */
  mayNow(type: ResourceType, pending: Pending, now: number): Permission;
  /** These clusters are sent to the client. */
  sendsClusters(changes: ReadonlyMap<string, Resource | undefined>): void;
  /** The client took these clusters. */
  tookClusters(changes: ReadonlyMap<string, Resource | undefined>): void;
  /** When something that waits will have waited long enough; undefined where nothing does. */
  readonly wakeAt: number | undefined;
}

/** How long things wait, in milliseconds. */
export interface Patience {
  readonly patience: number;
  readonly letGo: number;
}

/**
 * Clusters come first, then their endpoints. New listeners and routes wait until the client has the clusters that it did
 * not have, with their endpoints. What is removed goes in the other direction: a cluster stays until listeners
 * and routes are without it. Nothing waits for ever.
 *
 * Listeners are removed together with others that are added: the new one may be bound to the same address.
 */
export function createOrder(
  channels: Channels,
  endpoints: () => ReadonlyMap<string, Resource> | undefined,
  { patience, letGo }: Patience,
): Order {
  const { cluster, listener, route } = channels;
  const waits = createWaits();
  /** Clusters that the client took, and needs the endpoints of before it can use them. */
  const warming = new Set<string>();

  function areClustersReady(): boolean {
    for (const name of warming) {
      const isWaiting =
        cluster.has(name) &&
        endpoints()?.has(name) === true &&
        !channels.endpoints.has(name) &&
        !channels.endpoints.rejected.has(name);
      if (!isWaiting) warming.delete(name);
    }
    return warming.size === 0 && cluster.pending().fresh.length === 0;
  }

  const isDone = ({ fresh, changed }: Pick<Pending, 'fresh' | 'changed'>) =>
    fresh.length + changed.length === 0;
  const areListenersDone = () => {
    const pending = listener.pending();
    return isDone(pending) && pending.removed.length === 0;
  };
  /** Routes that a draining listener still has are asked for until it has ended. */
  const areRoutesDone = () => {
    const { removed, ...pending } = route.pending();
    return isDone(pending) && !removed.some((name) => route.subscription.names.has(name));
  };
  const areClustersDone = () => {
    const pending = cluster.pending();
    return isDone(pending) && pending.removed.length === 0;
  };

  function mayAdd(type: ResourceType, now: number): boolean {
    if (type === 'cluster' || type === 'endpoints') return true;
    return waits.isOver(`${type} added`, areClustersReady, patience, now);
  }

  function mayRemove(type: ResourceType, now: number): boolean {
    const key = `${type} removed`;
    switch (type) {
      case 'listener':
        return true;
      case 'route':
        return waits.isOver(key, () => false, letGo, now);
      case 'cluster':
        return waits.isOver(key, () => areListenersDone() && areRoutesDone(), letGo, now);
      case 'endpoints':
        return waits.isOver(key, areClustersDone, letGo, now);
    }
  }

  return {
    mayNow: (type, pending, now) => {
      const { fresh, changed, absent, removed, owes } = pending;
      const adds = fresh.length + changed.length + absent.length > 0 || owes;
      if (!adds) waits.end(`${type} added`);
      if (removed.length === 0) waits.end(`${type} removed`);
      const additions = adds && mayAdd(type, now);
      const isTogether = type === 'listener' && adds && !additions;
      return { additions, removals: removed.length > 0 && !isTogether && mayRemove(type, now) };
    },
    sendsClusters: (changes) => {
      // Envoy warms a cluster that changed, and confirms it, once it was sent its endpoints again.
      for (const [name, resource] of changes) if (resource) channels.endpoints.repeat(name);
    },
    tookClusters: (changes) => {
      for (const [name, resource] of changes) {
        if (resource) warming.add(name);
        else warming.delete(name);
      }
    },
    get wakeAt() {
      return waits.next;
    },
  };
}

/** What waits, since when and until when. */
function createWaits() {
  const waits = new Map<string, { readonly until: number; isOver: boolean }>();
  return {
    /** Whether the wait under a key is over: its condition holds, or it has lasted long enough. */
    isOver: (key: string, condition: () => boolean, atMost: number, now: number): boolean => {
      if (condition()) {
        waits.delete(key);
        return true;
      }
      const wait = waits.get(key) ?? { until: now + atMost, isOver: false };
      wait.isOver ||= now >= wait.until;
      waits.set(key, wait);
      return wait.isOver;
    },
    end: (key: string): void => {
      waits.delete(key);
    },
    get next(): number | undefined {
      const open = [...waits.values()].filter(({ isOver }) => !isOver);
      return open.length > 0 ? Math.min(...open.map(({ until }) => until)) : undefined;
    },
  };
}
