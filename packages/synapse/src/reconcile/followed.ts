import { createHash } from 'node:crypto';

import { createLatest, type Log, type Metrics } from '@smartstack/daemon';
import { type Policy, policySchema } from '@smartstack/policy';
import type { OpenedRegistries } from '@smartstack/registry';

import type { LoadedConfig, ServiceConfig } from '../config/config.ts';
import { copiesOf } from '../config/load-test.ts';
import { neutralNames } from '../config/neutral-keys.ts';
import { policyOf, protocolOf } from '../config/policy.ts';
import { createPolicyJudge } from '../config/policy-judge.ts';
import type { DiscoveryDeps } from '../discovery/discovery.ts';
import { createChosen } from '../discovery/multi/chosen.ts';
import { createPipeline } from '../discovery/pipeline.ts';
import { followRegistryConfig } from '../discovery/registry-config.ts';
import type { SavedServices } from '../outputs/snapshot-file.ts';
import { allProxies, isProxy, sectionOf } from '../proxies.ts';
import type { Followed } from './follower.ts';

/** What all parts of synapse use. */
export interface SynapseDeps {
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Every configured service with the discovery that follows it; nothing is opened before that runs.
 * `savedServices` has the members of an earlier run, which are served until the registry answers.
 */
export function followedServices(
  { config, source }: LoadedConfig,
  registries: OpenedRegistries,
  deps: SynapseDeps,
  savedServices: SavedServices = new Map(),
): readonly Followed[] {
  const { zookeeper, etcd, consul, registry, kubernetes } = config;
  const shared: Omit<DiscoveryDeps, 'service'> = {
    ...deps,
    registries,
    zookeeper: zookeeper && { type: 'zookeeper', hosts: zookeeper.hosts },
    etcd: etcd && { type: 'etcd', endpoints: etcd.endpoints },
    consul,
    file: registry && { type: 'file', directory: registry.directory },
    kubernetes,
  };
  const running = allProxies.filter((proxy) => !proxy.config.isOff(sectionOf(config, proxy.name)));
  const trust = new Map(
    running.map(({ name, config: { registry } }) => [
      name,
      registry.isTrusted(sectionOf(config, name)),
    ]),
  );
  const judgeOf = createPolicyJudge(config);
  const services = Object.entries(config.services).flatMap(([name, service]) =>
    copiesOf(name, service).map(([copy, each]) => [copy, each, name] as const),
  );
  return services.map(([name, service, written]) => {
    const identity = hashOf([
      waysOf(service),
      zookeeper?.hosts,
      registry,
      ...(consul ? [consul.url, consul.datacenter, consul.namespace, consul.partition] : []),
      ...(etcd ? [etcd.endpoints, etcd.prefix] : []),
      ...(kubernetes ? [{ ...kubernetes, watch_timeout: undefined }] : []),
    ]);
    const before = savedServices.get(name);
    const isSame = before?.identity === identity;
    const saved = isSame ? before.instances : undefined;
    const savedPolicy = isSame ? policyIn(before.policy) : undefined;
    const own = ownSections(service, trust.keys());
    const policy = policyOf(service, config);
    const chosen = createChosen();
    const missing = createLatest<string>();
    const serviceDeps = {
      ...shared,
      service: name,
      onChosen: chosen.note,
      onMissing: missing.set,
    };
    return {
      config: service,
      missing,
      judgePolicy: own && judgeOf(written),
      savedPolicy,
      identity: hashOf([
        service,
        zookeeper,
        etcd,
        consul,
        registry,
        kubernetes,
        config.shrink_guard,
        [...trust],
        policy?.policy,
      ]),
      service: {
        name,
        instances: undefined,
        identity,
        // Which default server would be the leader is not known.
        defaults: saved ?? (service.leader_election ? [] : service.default_servers),
        ...(saved && { stale: true }),
        ...(own && { own }),
        ...(policy && { policy, protocol: protocolOf(service, config) }),
        ...(service.locality?.spill === 'down' && { locality: service.locality }),
        ...(service.file_output?.disabled && { fileOutput: false }),
        origin: source.locate(['services', written]),
      },
      ...attempted(() => ({
        ...createPipeline(service, { shrinkGuard: config.shrink_guard, saved }, serviceDeps),
        overrides: own
          ? followRegistryConfig(service.discovery, trust, serviceDeps, chosen)
          : undefined,
      })),
    };
  });
}

type Parts = Omit<Followed, 'service'>;

/** A service whose parts cannot be made fails when it is followed, and holds up no other. */
function attempted(make: () => Parts): Parts {
  try {
    return make();
  } catch (error) {
    return {
      // biome-ignore lint/correctness/useYield: it never comes to that
      discovery: async function* () {
        throw error;
      },
    };
  }
}

/** The sections that a service has for these proxies. */
function ownSections(
  service: ServiceConfig,
  names: Iterable<string>,
): Readonly<Record<string, unknown>> | undefined {
  const sections = [...names].map((name) => [name, sectionOf(service, name)] as const);
  const present = sections.filter(([, section]) => section !== undefined);
  return present.length === 0 ? undefined : Object.fromEntries(present);
}

/** The part of a configuration that decides which members a service has. */
function waysOf({ shrink_guard: _, file_output: __, ...rest }: ServiceConfig): object {
  return Object.fromEntries(
    Object.entries(rest).filter(([key]) => !isProxy(key) && !neutralNames.has(key)),
  );
}

/** A saved policy; undefined where it is none by now, which the registry then says. */
function policyIn(saved: unknown): Policy | undefined {
  return policySchema.safeParse(saved).data;
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 22);
}
