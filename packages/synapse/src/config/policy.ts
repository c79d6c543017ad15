import {
  builtIn,
  forTcp,
  type Gaps,
  type MergedPolicy,
  mergePolicy,
  type Policy,
  type Protocol,
  withoutGaps,
} from '@smartstack/policy';
import { gapsAt, type ProxyKind } from '@smartstack/proxy';

import { allProxies, defaultProxy, sectionOf } from '../proxies.ts';
import type { ServiceConfig, SynapseConfig } from './schema.ts';

/**
 * The proxy that serves a service where it is proxied at all: the one that it names, else the only one that it has a
 * section of, else the top level's.
 */
export function proxyOf(service: ServiceConfig, config: Pick<SynapseConfig, 'proxy'>): ProxyKind {
  const [only, ...more] = sectionsIn(service);
  const name = service.proxy ?? (more.length === 0 ? only : undefined) ?? config.proxy;
  return allProxies.find((proxy) => proxy.name === name) ?? defaultProxy;
}

/** The proxies that a service has a section of. */
export function sectionsIn(service: object): readonly string[] {
  return allProxies.flatMap(({ name }) => (sectionOf(service, name) === undefined ? [] : [name]));
}

/** How a service's applications speak: as it says, else as its proxy's section does. */
export function protocolOf(service: ServiceConfig, config: SynapseConfig): Protocol {
  if (service.protocol) return service.protocol;
  const { name, config: proxy } = proxyOf(service, config);
  return proxy.protocolOf(sectionOf(service, name), sectionOf(config, name)) ?? 'tcp';
}

/**
 * What is in force for a service's traffic; undefined where nothing asks for a policy. `registry` is what its
 * registry says. Values that its proxy cannot do are left out where that is only warned of.
 */
export function policyOf(
  service: ServiceConfig,
  config: SynapseConfig,
  registry?: Policy,
): MergedPolicy | undefined {
  const merged = writtenPolicyOf(service, config, registry);
  if (!merged || config.policy_unsupported === 'error') return merged;
  const { gaps } = gapsFor(proxyOf(service, config), config);
  return { ...merged, policy: withoutGaps(merged.policy, gaps) };
}

/** What a proxy cannot do in the version that serves. */
export function gapsFor({ name, config }: ProxyKind, { versions }: SynapseConfig): Gaps {
  return { proxy: name, gaps: gapsAt(config.gaps, versions?.get(name)) };
}

/** The same with what its proxy cannot do. */
export function writtenPolicyOf(
  service: ServiceConfig,
  config: SynapseConfig,
  registry?: Policy,
): MergedPolicy | undefined {
  const shared = config.defaults?.policy;
  const { policy, protocol } = service;
  if (!shared && !policy && !protocol && !registry) return undefined;
  if (sectionOf(service, proxyOf(service, config).name) === undefined) return undefined;
  const spoken = protocolOf(service, config);
  const defaults = shared && (spoken === 'tcp' ? forTcp(shared) : shared);
  return mergePolicy(
    [
      { origin: 'built-in', policy: builtIn(spoken) },
      ...(defaults ? [{ origin: 'defaults', policy: defaults } as const] : []),
      ...(registry ? [{ origin: 'registry', policy: registry } as const] : []),
      ...(policy ? [{ origin: 'service', policy } as const] : []),
    ],
    service.policy_from,
  );
}

/** The policies of services, by their names; one without a policy is absent. */
export type Policies = ReadonlyMap<string, MergedPolicy>;

/** What a service's policy is judged among. */
export interface PolicySurroundings {
  readonly config: SynapseConfig;
  /** What is in force for each service by the configuration alone. */
  readonly policies: Policies;
  /** Every service, with a policy or not. */
  readonly names: ReadonlySet<string>;
}

export function surroundingsOf(config: SynapseConfig): PolicySurroundings {
  const policies = Object.entries(config.services).flatMap(([name, service]) => {
    const merged = policyOf(service, config);
    return merged ? [[name, merged] as const] : [];
  });
  return { config, policies: new Map(policies), names: new Set(Object.keys(config.services)) };
}

/**
 * The configuration with what neutral keys say in the section of each service's proxy, too, and without the sections
 * of proxies that do not serve it.
 */
export function withNeutralKeys(config: SynapseConfig): SynapseConfig {
  const services = Object.entries(config.services).map(([name, service]) => {
    const { port, bind_address, protocol, policy, proxy } = service;
    const kind = proxyOf(service, config);
    const others = sectionsIn(service).filter((each) => each !== kind.name);
    const alone = others.length === 0 ? service : withoutKeys(service, others);
    const isAsked = [port, bind_address, protocol, policy, proxy].some(
      (each) => each !== undefined,
    );
    if (!isAsked) return [name, alone];
    const own = kind.config.withAddress(sectionOf(service, kind.name), { port, bind_address });
    return [name, { ...alone, [kind.name]: own }];
  });
  return { ...config, services: Object.fromEntries(services) };
}

const withoutKeys = (service: ServiceConfig, keys: readonly string[]): object =>
  Object.fromEntries(Object.entries(service).filter(([key]) => !keys.includes(key)));
