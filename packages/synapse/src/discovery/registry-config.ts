import { isRecord, type Log } from '@smartstack/daemon';

import { allProxies } from '../proxies.ts';
import type { DiscoveryDeps, FollowRegistryConfig, RegistryConfig } from './discovery.ts';
import { type Chosen, followChosen } from './multi/chosen.ts';
import { parseRegistryPolicy, policyKey } from './registry-policy.ts';
import type { DiscoveryConfig, SingleDiscovery } from './table.ts';
import { hostsOf, isZooKeeper } from './zookeeper-path.ts';

/** The proxies that the registry may say something of, and whether it may say anything. */
export type Trust = ReadonlyMap<string, boolean>;

/**
 * Follows the generator data of a service's ZooKeeper node, a JSON object with a section for each proxy;
 * undefined for a service that has none. Raw lines and addresses are taken from it only where it is
 * trusted. Of a `multi` the nodes of the `chosen` watchers count.
 */
export function followRegistryConfig(
  config: DiscoveryConfig,
  trust: Trust,
  deps: DiscoveryDeps,
  chosen: Chosen,
): FollowRegistryConfig | undefined {
  if (config.method !== 'multi') return followNode(config, trust, deps);
  const watchers = Object.entries(config.watchers).flatMap(([name, part]) => {
    const follow = followNode(part, trust, deps);
    return follow ? [[name, follow] as const] : [];
  });
  return watchers.length === 0 ? undefined : followChosen(new Map(watchers), chosen);
}

function followNode(
  config: SingleDiscovery,
  trust: Trust,
  { registries, zookeeper, service, log }: DiscoveryDeps,
): FollowRegistryConfig | undefined {
  if (!isZooKeeper(config)) return undefined;
  const { generator_config_path: other, path: own, hosts } = config;
  if (other === 'disabled') return undefined;
  const path = other ?? own;
  const registry = registries.openZooKeeper(hostsOf(hosts, zookeeper, service));
  return async function* (signal) {
    const options = { pollInterval: pollIntervalOf(config) };
    for await (const data of registry.data(path, options, signal)) {
      const parsed = parseRegistryConfig(data, trust);
      report(path, parsed, log);
      const policy = parseRegistryPolicy(path, data, [...trust.values()].some(Boolean));
      yield policy ? { ...parsed.overrides, [policyKey]: policy } : parsed.overrides;
    }
  };
}

function report(path: string, { overrides, refused }: ParsedConfig, log: Log) {
  for (const { name, title, config } of allProxies) {
    const reasons = refused.get(name) ?? [];
    if (reasons.length > 0)
      log.warn({ path, refused: reasons, fix: config.registry.fix }, 'generator data left out');
    const removed = config.registry.warnings(overrides[name] ?? {});
    if (removed.length > 0)
      log.warn(
        { path, removed, fix: 'write today’s lines to the node' },
        `generator data has lines that ${title} removed`,
      );
  }
}

/** How often a path that is not to be watched is asked for. */
function pollIntervalOf(config: SingleDiscovery): number | undefined {
  return 'polling_interval_sec' in config ? config.polling_interval_sec : undefined;
}

export interface ParsedConfig {
  readonly overrides: RegistryConfig;
  /** What was left out and why, by proxy. */
  readonly refused: ReadonlyMap<string, readonly string[]>;
}

/** The good part of a node's generator data; never throws. */
export function parseRegistryConfig(data: Buffer | undefined, trust: Trust): ParsedConfig {
  if (!data || data.length === 0) return { overrides: {}, refused: new Map() };
  const sections = sectionsIn(parse(data), trust);
  const refused = new Map<string, readonly string[]>();
  const overrides: Record<string, object> = {};
  const [first] = trust.keys();
  if (!sections && first !== undefined)
    refused.set(first, [`not a JSON object with ${[...trust.keys()].join(' or ')} in it`]);
  for (const { name, config } of allProxies) {
    const isTrusted = trust.get(name);
    if (isTrusted === undefined) continue;
    if (!sections) continue;
    const results = Object.entries(sections[name] ?? {}).map(
      ([key, value]) => [key, config.registry.parse(key, value, isTrusted)] as const,
    );
    const good = results.flatMap(([key, one]) => ('value' in one ? [[key, one.value]] : []));
    if (good.length > 0) overrides[name] = Object.fromEntries(good);
    refused.set(
      name,
      results.flatMap(([key, one]) => ('reason' in one ? [`${name}.${key}: ${one.reason}`] : [])),
    );
  }
  return { overrides, refused };
}

/** The sections of the proxies that may have one; undefined where the data has another shape. */
function sectionsIn(
  data: unknown,
  trust: Trust,
): Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined {
  if (!isRecord(data)) return undefined;
  const sections: Record<string, Readonly<Record<string, unknown>>> = {};
  for (const name of trust.keys()) {
    const section = data[name];
    if (section === undefined || section === null) continue;
    if (!isRecord(section)) return undefined;
    sections[name] = section;
  }
  return sections;
}

function parse(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString());
  } catch {
    return undefined;
  }
}
