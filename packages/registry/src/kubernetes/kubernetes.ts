import { createLatest } from '@smartstack/daemon';

import type { DecoderDeps } from '../instance/decoder.ts';
import { badRecordsOf, createBadRecordLog } from '../instance/decoder.ts';
import type { Instance } from '../instance/instance.ts';
import { type Cluster, createCluster } from './cluster.ts';
import { createHealth } from './health.ts';
import { createMembers, type MemberRules } from './members.ts';
import { createNamespaces } from './namespaces.ts';
import type { KubernetesAddress } from './section.ts';

export interface KubernetesFollow extends MemberRules {
  readonly service: string;
  /** Undefined for the one of the address, the kubeconfig or the service account. */
  readonly namespace?: string | undefined;
  /** Called where there is no such service, with why it is taken for none. */
  readonly onMissing?: ((reason: string) => void) | undefined;
  /** Called with why there is no news now, and with undefined once there is again. */
  readonly onTrouble?: ((reason: string | undefined) => void) | undefined;
}

/** Follows services of one Kubernetes cluster by their EndpointSlices; nothing is announced in it. */
export interface KubernetesRegistry extends AsyncDisposable {
  /** Yields a service's members, then again on each change of its slices; nothing before the first whole answer. */
  follow(options: KubernetesFollow, signal: AbortSignal): AsyncIterable<readonly Instance[]>;
  /** The last moment at which a list or a watch failed, on `performance.now`'s clock; undefined for never. */
  lastUnhealthy(): number | undefined;
}

export function createKubernetesRegistry(
  address: KubernetesAddress,
  deps: DecoderDeps,
  cluster: Cluster = createCluster({ server: address, log: deps.log }),
): KubernetesRegistry {
  const health = createHealth();
  const namespaces = createNamespaces({ address, cluster, health, log: deps.log });

  return {
    follow: async function* (options, signal) {
      const { service, onMissing, onTrouble = () => {} } = options;
      const news = createLatest<void>();
      const followed = await namespaces.follow(options, { wake: news.set, onTrouble }, signal);
      if (!followed) return;
      const membersOf = createMembers(options);
      const report = createBadRecordLog(`kubernetes ${followed.namespace}/${service}`, deps);
      let isKnown = false;
      try {
        for await (const _ of news.values(signal)) {
          const slices = followed.slices();
          if (!slices) continue;
          if (slices.length === 0 && !isKnown) {
            onMissing?.(
              `namespace ${followed.namespace} has no EndpointSlice of a service ${service}`,
            );
            continue;
          }
          isKnown = true;
          const members = await membersOf(slices);
          report(badRecordsOf(members));
          yield members;
        }
      } finally {
        followed[Symbol.dispose]();
      }
    },
    lastUnhealthy: health.last,
    [Symbol.asyncDispose]: async () => {
      await namespaces[Symbol.asyncDispose]();
      cluster[Symbol.dispose]();
    },
  };
}
